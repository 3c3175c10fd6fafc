// Tokens: only exactly what was issued lets anybody in.
private import ControlPlane
private import Ports
private import Primitives
import Testing

struct CountingRandom: RandomSource {
    var first: UInt8
    func bytes(_ count: Int) -> [UInt8] { (0..<count).map { first &+ UInt8(truncatingIfNeeded: $0) } }
}

@Suite struct TokenTableTests {
    @Test func anIssuedTokenIsFoundAndNothingNearIt() throws {
        let name = try #require(TokenName("ana"))
        let (token, record) = TokenTable.issue(kind: .operator, name: name, random: CountingRandom(first: 7))
        let table = try TokenTable([record])
        #expect(token.utf8.count == 56)
        #expect(table.find(token) == record)
        #expect(try TokenTable(json: table.json).find(token) == record)
        let secret = token.dropFirst(13)
        for wrong in [
            "", "pst_", String(token.dropLast()), token + "A", token.uppercased(), " " + token, "pst_00000000_" + secret,
            String(token.dropLast()) + "*", "psu" + token.dropFirst(3), String(repeating: "é", count: 28), record.sha256, "pst_\(record.id)-" + secret,
        ] {
            #expect(table.find(wrong) == nil, "\(wrong)")
        }
        #expect(!String(decoding: table.json, as: UTF8.self).contains(secret))
    }

    @Test(arguments: [
        "", "{}", "[]", #"{"format":1}"#, #"{"format":2,"tokens":[]}"#, #"{"format":1,"tokens":[{}]}"#,
        #"{"format":1,"tokens":[{"id":"0000000","kind":"node","name":"a","sha256":""}]}"#, #"{"format":1,"tokens":[{"id":"00000000","kind":"root","name":"a","sha256":""}]}"#,
        #"{"format":1,"tokens":[{"id":"00000000","kind":"node","name":"a","sha256":"00"}]}"#,
    ])
    func aTokenFileThatCannotBeReadStopsTheStart(text: String) {
        #expect(throws: ControlPlaneError.self) { try TokenTable(json: Array(text.utf8)) }
    }
}
