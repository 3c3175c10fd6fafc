// Reads the outcomes that somebody sends: one JSON object, or one a line.
private import Contracts
package import Inference
package import Primitives

/// What is said to have become true about one decision.
package struct OutcomeSubmission: Hashable, Sendable {
    package var decision: DecisionID
    package var service: ServiceName
    package var value: OutcomeRecord.Value
    package var at: Instant

    /// Outcomes of one request.
    package static let most = 1000

    /// Every line or none. The refusal names the line and repeats no value.
    package static func read(_ bytes: UnsafeRawBufferPointer) throws(RecordError) -> [OutcomeSubmission] {
        var found: [OutcomeSubmission] = []
        var number = 0
        var rest = bytes[...]
        while !rest.isEmpty {
            number += 1
            let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
            let line = UnsafeRawBufferPointer(rebasing: rest[rest.startIndex..<end])
            rest = end < rest.endIndex ? rest[(end + 1)...] : rest[end...]
            if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\t") }) { continue }
            guard found.count < most else { throw RecordError("one request takes at most \(most) outcomes; send the rest in another") }
            found.append(try one(line, number))
        }
        guard !found.isEmpty else {
            throw RecordError(#"there is no outcome here; send {"decision_id": …, "service": …, "value": …, "at": …}, one object a line"#)
        }
        return found
    }

    private static func one(_ line: UnsafeRawBufferPointer, _ number: Int) throws(RecordError) -> OutcomeSubmission {
        var parts = Parts()
        do throws(MalformedRow) {
            var cursor = JSONCursor(line)
            try parts.read(&cursor)
        } catch { throw RecordError("line \(number): \(error.message)") }
        guard let decision = parts.decision.flatMap({ DecisionID(parsing: $0) }) else {
            throw RecordError("line \(number): 'decision_id' must be the 32 hex digits that the decision was answered with")
        }
        guard let service = parts.service.flatMap({ ServiceName($0) }) else { throw RecordError("line \(number): 'service' must name a decision service") }
        guard let value = parts.value else { throw RecordError("line \(number): 'value' must be true, false or a number") }
        guard let at = parts.at.flatMap({ Instant(parsing: $0) }) else {
            throw RecordError("line \(number): 'at' must be when it became true, such as 2013-07-01T12:00:00Z")
        }
        return OutcomeSubmission(decision: decision, service: service, value: value, at: at)
    }

    private struct Parts {
        var decision: String?
        var service: String?
        var at: String?
        var value: OutcomeRecord.Value?

        mutating func read(_ cursor: inout JSONCursor) throws(MalformedRow) {
            try cursor.openObject()
            var seen: Set<String> = []
            while let token = try cursor.nextKey(isFirst: seen.isEmpty) {
                let key = cursor.text(token)
                guard seen.insert(key).inserted else { throw cursor.refusal("a key stands twice") }
                switch key {
                case "decision_id": decision = cursor.text(try cursor.string())
                case "service": service = cursor.text(try cursor.string())
                case "at": at = cursor.text(try cursor.string())
                case "value": value = try truth(&cursor)
                default: throw cursor.refusal("an outcome has the keys decision_id, service, value and at, and no other")
                }
            }
            try cursor.closeText()
        }

        private func truth(_ cursor: inout JSONCursor) throws(MalformedRow) -> OutcomeRecord.Value {
            switch cursor.byte {
            case UInt8(ascii: "t"):
                try cursor.expect("true")
                return .truth(true)
            case UInt8(ascii: "f"):
                try cursor.expect("false")
                return .truth(false)
            default: return .number(try cursor.number())
            }
        }
    }
}
