// One row in, one vector out, or a sentence why not.
import Contracts
import Foundation
import Primitives
import Testing

@Suite struct RowAdmissionTests {
    static let request = DataContract(
        id: "r", name: "r", version: "1",
        columns: [
            Column(name: "c", type: .string, required: true, allowed: ["y", "x", "é\"\n"], role: .feature),
            Column(name: "n", type: .number, minimum: -5, maximum: 5, role: .feature),
            Column(name: "i", type: .integer, required: true, minimum: 0, role: .feature), Column(name: "b", type: .boolean, role: .feature),
            Column(name: "e", type: .string, role: .entity), Column(name: "t", type: .timestamp, role: .time), Column(name: "note", type: .string),
        ])

    /// Trained on other order and more categories than a request may send.
    static func admission() throws -> RowAdmission {
        let training = DataContract(
            id: "t", name: "t", version: "1",
            columns: [
                Column(name: "b", type: .boolean, role: .feature), Column(name: "i", type: .number, minimum: -1, maximum: 100, role: .feature),
                Column(name: "c", type: .string, allowed: ["w", "x", "y", "é\"\n"], role: .feature), Column(name: "n", type: .number, role: .feature),
            ])
        var narrowed = request
        narrowed.columns[2].maximum = 50
        return try RowAdmission(signature: ModelSignature(trainingContract: training), request: narrowed)
    }

    struct Result {
        var admission: Admission
        var row: [Double]

        var said: String {
            switch admission {
            case .admitted: "admitted"
            case .outside(let breach, _): "outside \(breach.column) \(breach.reason)"
            case .malformed(let error): error.kind == .notJSON ? "syntax" : "row: \(error.message)"
            }
        }
    }

    static func admit(_ bytes: [UInt8], _ admission: RowAdmission) -> Result {
        var row = [Double](repeating: 7, count: admission.featureCount)
        // A heap block of exactly this size, so that a sanitizer sees any read past the end.
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { block.deallocate() }
        block.copyBytes(from: bytes)
        let answer = row.withUnsafeMutableBufferPointer { admission.admit(UnsafeRawBufferPointer(block), into: $0) }
        return Result(admission: answer, row: row)
    }

    static func admit(_ text: String) throws -> Result { admit(Array(text.utf8), try admission()) }

    @Test func fillsTheVectorInSignatureOrder() throws {
        let result = try Self.admit(#" { "n" : -1.5e0,"c":"x","b":true, "i":7,"e":"N1", "t":"2013-06-30T12:00:00.5+02:00","note":"\u0041" } "# + "\r\n\t")
        #expect(result.said == "admitted")
        #expect(result.row == [1, 7, 1, -1.5])
        let json = Array(#"{"e":"N14","c":"y","i":0,"b":false}"#.utf8)
        let other = Self.admit(json, try Self.admission())
        guard case .admitted(.range(let range)) = other.admission else { throw CocoaError(.coderReadCorrupt) }
        #expect(String(decoding: json[range], as: UTF8.self) == "N14")
        #expect(Array(other.row.prefix(3)) == [0, 0, 2] && other.row[3].isNaN)
    }

    static let answers: [(text: String, says: String)] = [
        (#"{"c":"x","i":1}"#, "admitted"), (#"{"c":"x","i":1,"n":null,"b":null,"e":null,"t":null,"note":null}"#, "admitted"),
        (#"{"\u0063":"\u0078","i":1}"#, "admitted"), (#"{"c":"\u00e9\"\n","i":1}"#, "admitted"), (#"{"c":"é\"\n","i":1}"#, "admitted"),
        (#"{"c":"x","i":1.0}"#, "admitted"), (#"{"c":"x","i":5e1}"#, "admitted"), (#"{"c":"x","i":-0}"#, "admitted"),
        (#"{"i":1}"#, "outside 0 missing"), (#"{"c":"x"}"#, "outside 2 missing"), ("{}", "outside 0 missing"), (#"{"c":null,"i":1}"#, "outside 0 null"),
        (#"{"c":"z","i":1}"#, "outside 0 notAllowed"), (#"{"c":"w","i":1}"#, "outside 0 notAllowed"), (#"{"c":"","i":1}"#, "outside 0 notAllowed"),
        (#"{"c":"X","i":1}"#, "outside 0 notAllowed"), (#"{"c":"x","i":-1}"#, "outside 2 belowMinimum"), (#"{"c":"x","i":51}"#, "outside 2 aboveMaximum"),
        (#"{"c":"x","i":1,"n":5.0000000000000009}"#, "outside 1 aboveMaximum"), (#"{"c":"x","i":1,"n":5.00000000000000000001}"#, "admitted"),
        (#"{"c":"x","i":1,"n":-6}"#, "outside 1 belowMinimum"), (#"{"i":51,"c":"z"}"#, "outside 2 aboveMaximum"),
        (#"{"c":"x","i":1,"u":1}"#, "row: unknown key 'u'"), (#"{"c":"x","i":1,"":1}"#, "row: unknown key ''"), (#"{"C":"x","i":1}"#, "row: unknown key 'C'"),
        (#"{"c":"x","i":1,"c\u0000":1}"#, "row: unknown key 'c?'"), (#"{"c":"x","c":"x","i":1}"#, "row: 'c' stands twice"),
        (#"{"c":"x","\u0063":"x","i":1}"#, "row: 'c' stands twice"), (#"{"c":null,"c":null,"i":1}"#, "row: 'c' stands twice"),
        (#"{"c":["x"],"i":1}"#, "row: 'c' holds a nested value"), (#"{"c":{},"i":1}"#, "row: 'c' holds a nested value"),
        (#"{"c":1,"i":1}"#, "row: 'c' is a number, and the contract says string; allowed is one of x, y"),
        (#"{"c":"x","i":"1"}"#, "row: 'i' is a string, and the contract says integer; allowed is 0 to 50"),
        (#"{"c":"x","i":true}"#, "row: 'i' is a boolean"), (#"{"c":"x","i":1,"b":1}"#, "row: 'b' is a number"), (#"{"c":"x","i":1,"b":"true"}"#, "row: 'b' is a string"),
        (#"{"c":"x","i":1.5}"#, "row: 'i' must be a whole number"), (#"{"c":"x","i":9007199254740994}"#, "row: 'i' must be a whole number"),
        (#"{"c":"x","i":1,"t":5}"#, "row: 't' is a number"), (#"{"c":"x","i":1,"t":"2013-06-30"}"#, "row: 't' must be an RFC 3339"),
        ("[]", "row: the request must be one JSON object"), ("3", "row: the request must be"), ("\"a\"", "row: the request must be"), ("null", "row: the request must be"),
        ("", "syntax"), (" ", "syntax"), ("{", "syntax"), ("}", "syntax"), ("x", "syntax"), ("{\"c\"", "syntax"), ("{\"c\":", "syntax"), ("{\"c\":\"x\"", "syntax"),
        ("{\"c\":\"x\",}", "syntax"), ("{,\"c\":\"x\"}", "syntax"), ("{\"c\":\"x\" \"i\":1}", "syntax"), ("{\"c\" \"x\"}", "syntax"), ("{'c':\"x\"}", "syntax"),
        ("{c:\"x\"}", "syntax"),
        (#"{"c":"x","i":1}x"#, "syntax"), (#"{"c":"x","i":1}{}"#, "syntax"), (#"{"c":"x","i":1}"# + "\u{0}", "syntax"), ("\u{feff}{}", "syntax"), ("{}\u{a0}", "syntax"),
        (#"{"c":"x","i":1,}"#, "syntax"), (#"{"c":"x","i":1/**/}"#, "syntax"), ("{\"c\":\"\u{9}\"}", "syntax"), ("{\"c\":\"\u{0}\"}", "syntax"), ("{\"c\":\"x\n\"}", "syntax"),
        (#"{"c":"\x"}"#, "syntax"), (#"{"c":"\u00g0"}"#, "syntax"), (#"{"c":"\u12"}"#, "syntax"), (#"{"c":"\ud800"}"#, "syntax"), (#"{"c":"\udc00"}"#, "syntax"),
        (#"{"c":"\ud800\u0041"}"#, "syntax"), (#"{"c":"\ud800\ud800"}"#, "syntax"), (#"{"c":"\"#, "syntax"), (#"{"c":"\""#, "syntax"), (#"{"c":tru}"#, "syntax"),
        (#"{"c":True}"#, "syntax"), (#"{"c":nul"#, "syntax"), (#"{"b":truex}"#, "syntax"),
    ]

    @Test(arguments: answers.indices) func answer(_ index: Int) throws {
        let (text, says) = Self.answers[index]
        let said = try Self.admit(text).said
        #expect(said.hasPrefix(says) && (says.hasPrefix("row") || said == says), "\(text.debugDescription): \(said)")
    }

    static let badNumbers = [
        "01", "-", "-01", "+1", "1.", ".5", "1.e1", "1e", "1e+", "1E-", "NaN", "Infinity", "-Infinity", "0x10", "1_0", "1,0", "1e400", "--1", "1 2", "1f", "٣",
    ]

    @Test(arguments: badNumbers) func refusesNumbers(_ number: String) throws {
        #expect(try Self.admit(#"{"c":"x","i":1,"n":\#(number)}"#).said == "syntax")
    }

    static let badTimes = [
        "", "2013-13-01T00:00:00Z", "2013-02-29T00:00:00Z", "2013-06-31T00:00:00Z", "2013-06-30T24:00:00Z", "2013-06-30T12:60:00Z", "2013-06-30T12:00:60Z",
        "2013-06-30T12:00:00", "2013-06-30 12:00:00Z", "2013-06-30T12:00Z", "2013-06-30T12:00:00.Z", "2013-06-30T12:00:00+2:00", "2013-06-30T12:00:00+24:00",
        "2013-06-30T12:00:00+02:60", "2013-06-30T12:00:00ZZ", "0000-01-01T00:00:00Z", "2013-06-30T12:00:00+02:00x", "2013-06-30t12:00:00z", "2013-00-10T12:00:00Z",
    ]

    @Test func times() throws {
        for time in Self.badTimes { #expect(try Self.admit(#"{"c":"x","i":1,"t":"\#(time)"}"#).said.hasPrefix("row: 't'"), "\(time)") }
        for time in ["2012-02-29T23:59:59Z", "2013-06-30T12:00:00.123456789-11:30", "2000-02-29T00:00:00\\u005a"] {
            #expect(try Self.admit(#"{"c":"x","i":1,"t":"\#(time)"}"#).said == "admitted", "\(time)")
        }
    }

    @Test func utf8() throws {
        let admission = try Self.admission()
        func said(_ bytes: [UInt8]) -> String { Self.admit(Array(#"{"c":"x","i":1,"note":""#.utf8) + bytes + Array("\"}".utf8), admission).said }
        for good in ["é", "\u{7f}", "\u{800}", "\u{d7ff}", "\u{e000}", "\u{ffff}", "\u{10000}", "\u{10ffff}"] { #expect(said(Array(good.utf8)) == "admitted") }
        let bad: [[UInt8]] = [
            [0x80], [0xbf], [0xc0, 0x80], [0xc1, 0xbf], [0xc3], [0xe0, 0x80, 0x80], [0xe0, 0x9f, 0xbf], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf0, 0x8f, 0xbf, 0xbf],
            [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xff], [0xf0, 0x90, 0x80], [0xe2, 0x28, 0xa1],
        ]
        for bytes in bad { #expect(said(bytes) == "syntax", "\(bytes)") }
    }

    @Test func entities() throws {
        let admission = try Self.admission()
        func entity(_ value: String) -> EntityKey? {
            switch Self.admit(Array(#"{"e":\#(value),"c":"x","i":1}"#.utf8), admission).admission {
            case .admitted(let entity), .outside(_, let entity): entity
            case .malformed: nil
            }
        }
        #expect(entity("null") == EntityKey.none)
        #expect(entity("\"\"") == .range(6..<6))
        #expect(entity("\"N1é\"") == .range(6..<10))
        #expect(entity(#""N\u0031\n\ud83d\ude00\/""#) == .copied(Array("N1\n😀/".utf8)))
        #expect(entity("1") == nil)
        guard case .outside(_, .range(6..<8)) = Self.admit(Array(#"{"e":"N1","c":"z","i":1}"#.utf8), admission).admission else {
            Issue.record("an outside row keeps its entity")
            return
        }
    }

    @Test func sentencesNameColumnAndRange() throws {
        let admission = try Self.admission()
        func sentence(_ column: Int, _ reason: ContractBreach.Reason) -> String { admission.sentence(for: ContractBreach(column: column, reason: reason)) }
        #expect(sentence(1, .belowMinimum) == "'n' is a number below its range; allowed is -5 to 5")
        #expect(sentence(2, .missing) == "'i' is missing, and the contract requires an integer; allowed is 0 to 50")
        #expect(sentence(0, .notAllowed).hasPrefix("'c' is a string outside its list; allowed is one of x, y"))
        #expect(!sentence(99, .null).isEmpty)
    }

    @Test func numbersRoundLikeStrtod() throws {
        let column = Column(name: "n", type: .number, role: .feature)
        let admission = try RowAdmission(signature: nil, request: DataContract(id: "r", name: "r", version: "1", columns: [column]))
        func check(_ text: String) {
            let result = Self.admit(Array(#"{"n":\#(text)}"#.utf8), admission)
            if result.said != "admitted" || result.row[0].bitPattern != Double(text)?.bitPattern { Issue.record("\(text): \(result)") }
        }
        for text in [
            "0", "-0", "0.0", "-0e0", "9007199254740993", "9007199254740992", "1e22", "1e23", "1e-22", "1e-23", "5e-324", "2e-324", "1e-400", "1.7976931348623157e308",
            "0.1", "0.30000000000000004", "18446744073709551615", "18446744073709551616", "184467440737095516150", "123456789012345678901234567890", "0e999999999999999999999",
            "0.000000000000000000000000000000000001", "1.5E+3", "1e00000000000000000000000001", "8.5", "179.99999999999997",
        ] { check(text) }
        var random = SeededGenerator(state: 3)
        for _ in 0..<50_000 {
            let value = Double(bitPattern: random.next())
            if value.isFinite { check(value.description) }
            check("\(Int.random(in: -99_999...99_999, using: &random)).\(Int.random(in: 0...9_999_999_999, using: &random))e\(Int.random(in: -30...30, using: &random))")
        }
    }

    @Test func manyColumnsAndNone() throws {
        let columns = (0..<Limits.columns).map { Column(name: "column\($0)", type: .number, required: true, role: .feature) }
        let admission = try RowAdmission(signature: nil, request: DataContract(id: "r", name: "r", version: "1", columns: columns))
        let text = "{" + columns.indices.reversed().map { "\"column\($0)\":\($0)" }.joined(separator: ",") + "}"
        let result = Self.admit(Array(text.utf8), admission)
        #expect(result.said == "admitted" && result.row == columns.indices.map(Double.init))
        #expect(Self.admit(Array(text.replacing("\"column63\":63,", with: "").utf8), admission).said == "outside 63 missing")
        let plain = try RowAdmission(signature: nil, request: DataContract(id: "r", name: "r", version: "1", columns: [Column(name: "s", type: .string)]))
        #expect(plain.featureCount == 0 && Self.admit(Array("{}".utf8), plain).said == "admitted")
    }

    /// Foundation agrees on what JSON is, for a hundred thousand near misses of a real request.
    @Test func agreesWithFoundation() throws {
        let admission = try RowAdmission(signature: ModelSignature(trainingContract: exampleContract("training")), request: exampleContract("request"))
        let valid = Array(
            (#"{"carrier":"9E","origin":"JFK","dest":"LAX","departure_minute":1439,"hourly_departures":80,"temperature":71.96,"wind_direction":null,"#
                + #""pressure":1016.5,"precipitation":0.0,"recent_departure_delay":1.25e1,"carrier_departure_delay":0,"aircraft_delay":-6,"#
                + #""tail_number":"N\u0031é4","scheduled_departure":"2013-06-30T12:00:00Z"}"#).utf8)
        #expect(Self.admit(valid, admission).said == "admitted")
        let letters = Array("{}[]\",:\\/0123456789.eE+-truefalsn \t\n\r\u{1}é\u{7f}u".utf8) + [0x80, 0xc3, 0xff, 0xed, 0xa0]
        var random = SeededGenerator(state: 11)
        var accepted = 0, syntax = 0, other = 0
        for _ in 0..<100_000 {
            var bytes = valid
            for _ in 0...Int.random(in: 0..<3, using: &random) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<6, using: &random) {
                case 0: bytes[index] = letters.randomElement(using: &random) ?? 0
                case 1: bytes.insert(letters.randomElement(using: &random) ?? 0, at: index)
                case 2: bytes.remove(at: index)
                case 3: bytes.removeSubrange(index..<min(bytes.count, index + Int.random(in: 1...9, using: &random)))
                case 4: bytes.swapAt(index, Int.random(in: 0..<bytes.count, using: &random))
                default: bytes.removeLast(min(bytes.count, Int.random(in: 0...3, using: &random)))
                }
            }
            let said = Self.admit(bytes, admission).said
            let foundation = (try? JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed])) != nil
            if said == "syntax" {
                syntax += 1
                #expect(!foundation, "\(String(decoding: bytes, as: UTF8.self))")
            } else if !said.hasPrefix("row") {
                accepted += 1
                #expect(foundation, "\(String(decoding: bytes, as: UTF8.self))")
            } else {
                other += 1
            }
        }
        print("fuzz: \(accepted) accepted, \(syntax) syntax, \(other) stopped earlier")
        #expect(accepted > 1000 && syntax > 10_000)
    }
}
