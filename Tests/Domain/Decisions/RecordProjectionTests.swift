// What a record keeps of a request: what its contract says, column by column, and nothing else.
import Contracts
import Decisions
import Inference
import Primitives
import Testing

@Suite struct RecordProjectionTests {
    static let properties = """
        - {name: id, logicalType: string, customProperties: [{property: penstock.role, value: entity}]}
        - {name: city, logicalType: string, classification: public}
        - {name: amount, logicalType: number, classification: internal}
        - {name: count, logicalType: integer, classification: public}
        - {name: member, logicalType: boolean, classification: internal}
        - {name: at, logicalType: timestamp, classification: public}
        - {name: plan, logicalType: string, classification: confidential}
        - {name: income, logicalType: number, classification: confidential}
        - {name: agreed, logicalType: boolean, classification: confidential}
        - {name: name, logicalType: string}
        - {name: health, logicalType: string, classification: restricted}
        - {name: faith, logicalType: string, classification: sensitive}
        - {name: remark, logicalType: string, classification: restricted, customProperties: [{property: penstock.record, value: keep}]}
        - {name: zip, logicalType: string, classification: public, customProperties: [{property: penstock.record, value: hash}]}
        - {name: note, logicalType: string, classification: public, customProperties: [{property: penstock.record, value: drop}]}
        - {name: "größe", logicalType: number, classification: public}
        """

    static func projection() throws -> RecordProjection { RecordProjection(contract: try contract(properties), key: try knownKey()) }

    @Test func valuesAreKeptAsTheyWereSent() throws {
        let (fields, entity) = try Self.projection().project(
            #" { "city" : "Köln \"A\" 😀", "amount":2.50e+1 ,"count": -0, "member":true,"at":"2013-06-30T12:00:00Z", "größe": 1e-3 } "#)
        #expect(fields == #"{"city":"Köln \"A\" 😀","amount":2.50e+1,"count":-0,"member":true,"at":"2013-06-30T12:00:00Z","größe":1e-3}"#)
        #expect(entity == nil)
    }

    /// Computed apart, with Python's hmac.
    @Test func hashesAreThose() throws {
        let (fields, entity) = try Self.projection().project(#"{"plan":"gold","income":250,"agreed":true,"zip":"50667","id":"N12345"}"#)
        #expect(entity?.description == "b824e29984e9b75d28c4e88754b5d2ba25702b9114bc5bffc4a12153113cdd13")
        #expect(
            fields
                == #"{"plan":{"hash":"b2d5e1acd2f69ad9482856024d5f04720ed69467f0cbf5c90c69ced34e64e6c7"},"income":{"hash":"bfc434d0a9c514558fba4291235e29d8dc3f9a7de0c32c89d3c38056a0006fb4"},"agreed":{"hash":"91c62927e9f0a4bad6edca77645c9f118d93505c5f929eb4d75181f8b67d7be7"},"zip":{"hash":"a271e36b173789b18d7c93f2571af22010e811f6b6e1941da00b3a793491db04"}}"#
        )
        #expect(try knownKey().id.text == "630dcd2966c43366")
    }

    @Test(arguments: [
        (#"{"income":250}"#, #"{"income":2.5e2}"#), (#"{"income":0}"#, #"{"income":-0.0}"#), (#"{"plan":"gold"}"#, #"{"plan":"\u0067old"}"#),
        (#"{"plan":"ß😀"}"#, #"{"plan":"\u00df\uD83D\ude00"}"#),
    ]) func twoSpellingsOfAValueHaveOneHash(_ left: String, _ right: String) throws {
        let projection = try Self.projection()
        #expect(try projection.project(left).fields == projection.project(right).fields)
    }

    @Test func anEntityHasOneHashHoweverItIsSpelled() throws {
        let projection = try Self.projection()
        let plain = try projection.project(#"{"id":"Zoë\/1"}"#)
        #expect(plain.fields == "{}")
        #expect(try projection.project(#"{"\u0069d":"Zo\u00eb/1"}"#) == plain)
        #expect(try plain.entity == knownKey().hash(entity: "Zoë/1"))
        #expect(try projection.project(#"{"id":""}"#).entity == knownKey().hash(entity: ""))
        #expect(try projection.project(#"{"id":null}"#) == ("{}", nil))
    }

    @Test func differentValuesColumnsTypesAndKeysHaveDifferentHashes() throws {
        let projection = try Self.projection()
        var hashes: Set<String> = []
        for request in [
            #"{"plan":"gold"}"#, #"{"plan":"gold "}"#, #"{"zip":"gold"}"#, #"{"plan":""}"#, #"{"income":1}"#, #"{"income":2}"#, #"{"agreed":true}"#, #"{"agreed":false}"#,
        ] {
            let hash = try projection.project(request).fields.drop { $0 != ":" }
            #expect(hashes.insert(String(hash)).inserted, "\(request)")
        }
        let entity = try #require(try projection.project(#"{"id":"gold"}"#).entity).description
        #expect(!hashes.contains { $0.contains(entity) })
        let other = RecordProjection(contract: try contract(Self.properties), key: try #require(RecordKey(bytes: Array(1..<33))))
        #expect(try other.project(#"{"plan":"gold"}"#).fields != projection.project(#"{"plan":"gold"}"#).fields)
        #expect(try other.project(#"{"id":"gold"}"#).entity != projection.project(#"{"id":"gold"}"#).entity)
    }

    @Test func whatIsDroppedLeavesNoTrace() throws {
        let (fields, _) = try Self.projection().project(
            #"{"name":"Ann","health":"x","faith":null,"note":"y","remark":"seen","unknown":"Ann","more":{"name":["Ann",{}]},"city":"A"}"#)
        #expect(fields == #"{"remark":"seen","city":"A"}"#)
    }

    @Test func nullIsKeptAsNull() throws {
        #expect(try Self.projection().project(#"{"city":null,"plan":null,"name":null,"income":null}"#).fields == #"{"city":null,"plan":null,"income":null}"#)
    }

    /// Nobody classified what a caller puts where it does not belong.
    @Test(arguments: [
        #"{"city":5}"#, #"{"city":true}"#, #"{"city":{"a":"secret"}}"#, #"{"city":["secret"]}"#, #"{"amount":"secret"}"#, #"{"count":false}"#, #"{"member":1}"#,
        #"{"member":"secret"}"#, #"{"at":1}"#, #"{"plan":5}"#, #"{"income":"secret"}"#, #"{"agreed":"secret"}"#, #"{"id":5}"#, #"{"id":["secret"]}"#,
    ]) func aValueOfAnotherTypeIsNotRecorded(_ request: String) throws { #expect(try Self.projection().project(request) == ("{}", nil)) }

    @Test(arguments: ["a": 1, "{}": 0, " {} ": 0, "{\"unknown\":1}": 0].keys.filter { $0.contains("{") }.sorted()) func nothingIsAnObject(_ request: String) throws {
        #expect(try Self.projection().project(request) == ("{}", nil))
    }

    @Test(arguments: [
        #"{"city":"A","city":"A"}"#, #"{"city":"A","c\u0069ty":"B"}"#, #"{"name":"A","name":"B"}"#, #"{"id":"A","id":"B"}"#, #"{"city":5,"city":"A"}"#,
    ]) func aColumnThatStandsTwiceIsRefused(_ request: String) throws { try refuses(request, "stands twice") }

    @Test(arguments: [
        "", "[]", "5", "{", "{\"city\"", "{\"city\":", "{\"city\":\"A\"", "{\"city\":\"A\",}", "{,}", "{\"city\":\"A\"}x", "{\"city\":tru}", "{\"city\":01}", "{city:1}",
        "{\"x\":[1,]}", "{\"x\":{\"a\":1,}}", "{\"x\":[}", "{\"x\":{]}", "{\"x\":[1 2]}", "{\"x\":{\"a\" 1}}", "{\"x\":nul}", "{\"x\":\"\\ud800\"}", "{\"x\":1e999}",
    ]) func whatIsNoObjectIsRefused(_ request: String) throws { try refuses(request, "not valid JSON") }

    @Test func nestingIsFollowedWithoutAStack() throws {
        func nested(_ depth: Int) -> String { "{\"x\":" + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + ",\"city\":\"A\"}" }
        #expect(try Self.projection().project(nested(64)).fields == #"{"city":"A"}"#)
        try refuses(nested(65), "levels")
        try refuses("{\"x\":" + String(repeating: "[", count: 60_000), "levels")
        #expect(try Self.projection().project(#"{"x":[[],{},{"a":[{"b":{}},[1,"]"]],"c":-1.5},null],"city":"A"}"#).fields == #"{"city":"A"}"#)
    }

    /// Nothing may stay behind in a buffer that the caller goes on with.
    private func refuses(_ request: String, _ says: String) throws {
        var buffer = Array("before".utf8)
        let projection = try Self.projection()
        let error = #expect(throws: MalformedRow.self) { try Array(request.utf8).withUnsafeBytes { try projection.append($0, to: &buffer) } }
        #expect(error?.message.contains(says) == true && buffer == Array("before".utf8), "\(request): \(error?.message ?? "")")
    }

    @Test func aKeyDoesNotShowItself() throws {
        #expect(RecordKey(bytes: []) == nil && RecordKey(bytes: [UInt8](repeating: 1, count: 31)) == nil && RecordKey(bytes: [UInt8](repeating: 1, count: 33)) == nil)
        let key = try knownKey()
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped] { #expect(text.contains(key.id.text) && text.count < 80, "\(text)") }
    }

    @Test func aHashHasOneSpelling() throws {
        let hash = try knownKey().hash(entity: "a")
        #expect(KeyedHash(parsing: hash.description) == hash && hash.description.count == 64)
        for text in ["", "ab", hash.description.uppercased(), hash.description + "00", String(hash.description.dropLast(2))] { #expect(KeyedHash(parsing: text) == nil) }
    }
}
