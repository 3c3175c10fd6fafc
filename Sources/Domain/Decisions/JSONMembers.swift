// Goes through the members of one JSON object, whatever their values are.
internal import Contracts

extension JSONCursor {
    /// The text must be one object; its first key comes next.
    mutating func openObject() throws(MalformedRow) {
        skipSpace()
        guard take(UInt8(ascii: "{")) else { throw refusal("expected an object") }
    }

    /// The next key; its value begins here then. `nil` when the object has ended.
    mutating func nextKey(isFirst: Bool) throws(MalformedRow) -> StringToken? {
        skipSpace()
        if take(UInt8(ascii: "}")) { return nil }
        if !isFirst {
            guard take(UInt8(ascii: ",")) else { throw refusal("expected ',' or '}'") }
            skipSpace()
        }
        let key = try string()
        skipSpace()
        guard take(UInt8(ascii: ":")) else { throw refusal("expected ':'") }
        skipSpace()
        return key
    }

    /// Nothing but space may follow.
    mutating func closeText() throws(MalformedRow) {
        skipSpace()
        guard atEnd else { throw refusal("something follows the object") }
    }

    func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[range]) }

    func text(_ token: StringToken) -> String { String(decoding: token.escaped ? decoded(token)[...] : Array(slice(token.range))[...], as: UTF8.self) }
}
