// Each column says what records keep of it, and what nobody classified is dropped.
import Contracts
import Primitives
import Testing

@Suite struct RecordingTests {
    private static func column(_ rest: String) throws -> Column {
        let read = try DataContract.read(parse(contract("- {name: a, logicalType: string\(rest)}")))
        return try #require(read.columns.first)
    }

    @Test(arguments: [
        ("", Recording.drop), (", classification: public", .keep), (", classification: internal", .keep), (", classification: personal", .drop),
        (", classification: confidential", .hash), (", classification: restricted", .drop), (", classification: sensitive", .drop),
    ]) func theClassDecides(_ classification: String, _ recording: Recording) throws {
        let column = try Self.column(classification)
        #expect(column.recording == recording && column.recordedAs == nil)
    }

    @Test(arguments: Recording.allCases) func theColumnsOwnWordGoesFirst(_ recording: Recording) throws {
        for classification in Column.Privacy.allCases {
            let column = try Self.column(", classification: \(classification), customProperties: [{property: penstock.record, value: \(recording)}]")
            #expect(column.recording == recording)
        }
    }

    @Test func anEntityIsAlwaysHashed() throws {
        func entity(_ rest: String) -> String { ", classification: public, customProperties: [{property: penstock.role, value: entity}\(rest)]" }
        #expect(try Self.column(entity("")).recording == .hash)
        #expect(try Self.column(entity(", {property: penstock.record, value: hash}")).recording == .hash)
        for word in ["keep", "drop"] {
            #expect(refusal { try Self.column(entity(", {property: penstock.record, value: \(word)}")) }.contains("always recorded as a keyed hash"))
        }
        var column = try Self.column(entity(""))
        column.recordedAs = .keep
        #expect(column.recording == .hash)
    }

    @Test(arguments: [
        ("{property: penstock.record, value: encrypt}", "one of keep, hash, drop"), ("{property: penstock.records, value: keep}", "known here: penstock.role, penstock.record"),
        ("{property: penstock.record, value: keep}, {property: penstock.record, value: keep}", "penstock.record stands twice"),
    ]) func aWordThatIsNotKnownIsRefused(_ properties: String, _ says: String) {
        let found = refusal { try Self.column(", customProperties: [\(properties)]") }
        #expect(found.contains(says), "\(found)")
    }
}
