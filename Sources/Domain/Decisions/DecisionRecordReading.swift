// Reads a decision's record back, strictly: what format 1 does not have is not guessed.
internal import Contracts
internal import Inference
internal import Primitives

/// Bytes that are no record of a format that this program reads.
package struct RecordError: Error, Hashable, Sendable, CustomStringConvertible {
    /// One sentence that repeats no value of a record.
    package var message: String

    package init(_ message: String) { self.message = message }
    package var description: String { message }
}

/// One value of a record's fields.
package enum RecordedValue: Hashable, Sendable {
    case null
    case text(String)
    case number(Double)
    case truth(Bool)
    case hash(KeyedHash)
}

extension DecisionRecord {
    /// Any bytes have an answer.
    package init(parsing bytes: [UInt8]) throws(RecordError) {
        self = try bytes.withUnsafeBytes { raw -> Result<DecisionRecord, RecordError> in
            var parts = RecordParts(cursor: JSONCursor(raw))
            do throws(MalformedRow) {
                try parts.read()
            } catch {
                return .failure(RecordError("a decision record cannot be read: \(error.message)"))
            }
            do throws(RecordError) { return .success(try parts.record()) } catch { return .failure(error) }
        }.get()
    }

    /// The kept and hashed values by column, in the order sent.
    package func values() throws(RecordError) -> [(column: String, value: RecordedValue)] {
        try fields.withUnsafeBytes { raw -> Result<[(column: String, value: RecordedValue)], RecordError> in
            var cursor = JSONCursor(raw)
            do throws(MalformedRow) { return .success(try cursor.recordedValues()) } catch {
                return .failure(RecordError("a record's fields cannot be read: \(error.message)"))
            }
        }.get()
    }
}

/// What was found under each key.
private struct RecordParts {
    var cursor: JSONCursor
    private var texts: [String: String] = [:]
    private var numbers: [String: Double] = [:]
    private var nulls: Set<String> = []
    private var fields: [UInt8]?

    init(cursor: JSONCursor) { self.cursor = cursor }

    private static let keys: Set = [
        "format", "service", "release", "version", "spec", "key", "decision_id", "outcome", "score", "reason", "detail", "time", "latency_us", "fields", "entity",
    ]

    mutating func read() throws(MalformedRow) {
        try cursor.openObject()
        var seen: Set<String> = []
        while let token = try cursor.nextKey(isFirst: seen.isEmpty) {
            let key = cursor.text(token)
            guard Self.keys.contains(key), seen.insert(key).inserted else { throw cursor.refusal("a key is unknown or stands twice") }
            try value(of: key)
            // Another format may have other keys behind this one.
            if key == "format", !hasKnownFormat { return }
        }
        try cursor.closeText()
    }

    private var hasKnownFormat: Bool { numbers["format"] == Double(DecisionRecord.format) }

    private mutating func value(of key: String) throws(MalformedRow) {
        let start = cursor.position
        switch cursor.byte {
        case UInt8(ascii: "\""): texts[key] = cursor.text(try cursor.string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): numbers[key] = try cursor.number()
        case UInt8(ascii: "n"):
            try cursor.expect("null")
            nulls.insert(key)
        case UInt8(ascii: "{") where key == "fields":
            try cursor.skipValue()
            fields = Array(cursor.slice(start..<cursor.position))
        default: throw cursor.refusal("a value has the wrong type")
        }
    }

    func record() throws(RecordError) -> DecisionRecord {
        guard let format = numbers["format"] else { throw RecordError("a decision record has no format") }
        guard hasKnownFormat else {
            throw RecordError("a decision record has format \(format), and this program reads \(DecisionRecord.format): use the version that wrote it")
        }
        let stamp = ReleaseStamp(
            service: try need("service") { ServiceName($0) }, release: try need("release") { ReleaseID($0) }, version: try optional("version") { $0 },
            spec: try need("spec") { Digest(parsing: $0) })
        let decision = Decision(
            id: try need("decision_id") { DecisionID(parsing: $0) }, stamp: stamp, outcome: try need("outcome") { Outcome($0) }, score: try score(), reason: try reason())
        guard let latency = numbers["latency_us"].flatMap(UInt64.init(exactly:)) else { throw Self.bad("latency_us") }
        guard let fields else { throw Self.bad("fields") }
        return DecisionRecord(
            decision: decision, time: try need("time") { Instant(parsing: $0) }, latencyMicroseconds: latency, key: try need("key") { RecordKeyID($0) },
            entity: try optional("entity") { KeyedHash(parsing: $0) }, fields: fields)
    }

    private func score() throws(RecordError) -> Double? {
        if let number = numbers["score"] { return number }
        guard nulls.contains("score") else { throw Self.bad("score") }
        return nil
    }

    private func reason() throws(RecordError) -> Decision.Reason {
        switch (texts["reason"], texts["detail"]) {
        case ("rule", nil): return .rule
        case ("no_model", nil): return .noModel
        case ("errored", nil): return .errored
        case ("outside_contract", let sentence?): return .outsideContract(sentence)
        case ("rate_limit", let text?):
            guard let outcome = Outcome(text) else { throw Self.bad("detail") }
            return .rateLimit(outcome)
        default: throw Self.bad("reason")
        }
    }

    private func need<Value>(_ key: String, _ parse: (String) -> Value?) throws(RecordError) -> Value {
        guard let value = texts[key].flatMap(parse) else { throw Self.bad(key) }
        return value
    }

    private func optional<Value>(_ key: String, _ parse: (String) -> Value?) throws(RecordError) -> Value? {
        if nulls.contains(key) { return nil }
        return try need(key, parse)
    }

    private static func bad(_ key: String) -> RecordError { RecordError("a decision record has no usable '\(key)'") }
}

extension JSONCursor {
    fileprivate mutating func recordedValues() throws(MalformedRow) -> [(column: String, value: RecordedValue)] {
        try openObject()
        var values: [(column: String, value: RecordedValue)] = []
        while let token = try nextKey(isFirst: values.isEmpty) { values.append((text(token), try recordedValue())) }
        try closeText()
        return values
    }

    private mutating func recordedValue() throws(MalformedRow) -> RecordedValue {
        switch byte {
        case UInt8(ascii: "\""): return .text(text(try string()))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        case UInt8(ascii: "{"): return .hash(try recordedHash())
        case UInt8(ascii: "n"):
            try expect("null")
            return .null
        case UInt8(ascii: "t"):
            try expect("true")
            return .truth(true)
        case UInt8(ascii: "f"):
            try expect("false")
            return .truth(false)
        default: throw refusal("expected a value")
        }
    }

    private mutating func recordedHash() throws(MalformedRow) -> KeyedHash {
        try openObject()
        guard let key = try nextKey(isFirst: true), text(key) == "hash", let hash = KeyedHash(parsing: text(try string())), try nextKey(isFirst: false) == nil
        else { throw refusal("an object in a record holds one hash") }
        return hash
    }
}
