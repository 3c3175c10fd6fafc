// When a request says it happened, for policies whose clock is replayed history.
package import Contracts
package import Primitives

/// Reads the column with the role `time` out of a request. Made once a release; any thread may read through one instance.
package struct RequestTime: Sendable {
    private let column: [UInt8]

    /// `nil` where the contract has no such column.
    package init?(_ contract: DataContract) {
        guard let column = contract.columns.first(where: { $0.role == .time }) else { return nil }
        self.column = Array(column.name.utf8)
    }

    /// `nil` where the request says none, or says it in no way that can be read.
    package func read(_ request: UnsafeRawBufferPointer) -> Instant? {
        do throws(MalformedRow) {
            var cursor = JSONCursor(request)
            try cursor.openObject()
            var isFirst = true
            while let key = try cursor.nextKey(isFirst: isFirst) {
                isFirst = false
                guard isColumn(key, cursor) else {
                    try cursor.skipValue()
                    continue
                }
                guard cursor.byte == UInt8(ascii: "\"") else { return nil }
                return Instant(parsing: cursor.text(try cursor.string()))
            }
        } catch { return nil }
        return nil
    }

    private func isColumn(_ key: StringToken, _ cursor: JSONCursor) -> Bool {
        key.escaped ? cursor.decoded(key) == column : cursor.slice(key.range).elementsEqual(column)
    }
}
