// A table is judged the same however its bytes arrive, and the first wrong row is named.
import Contracts
import Primitives
import Testing

@Suite struct TableCheckTests {
    private static let contract: DataContract = {
        var key = Column(name: "id", type: .string, required: true)
        key.isKey = true
        return DataContract(
            id: "t", name: "t", version: "1",
            columns: [
                key, Column(name: "distance", type: .number, required: true, minimum: 0, maximum: 5000, role: .feature),
                Column(name: "hour", type: .integer, minimum: 0, maximum: 23), Column(name: "late", type: .boolean),
                Column(name: "origin", type: .string, allowed: ["EWR", "JFK"]), Column(name: "at", type: .timestamp, role: .time),
            ])
    }()

    /// `nil` when the table holds, else the sentence.
    private func judge(_ table: String, chunk: Int = .max) -> String? {
        do {
            var check = try TableCheck(Self.contract)
            let bytes = Array(table.utf8)
            for start in stride(from: 0, to: bytes.count, by: min(chunk, max(bytes.count, 1))) {
                try check.feed(Array(bytes[start..<min(start + min(chunk, bytes.count), bytes.count)]))
            }
            _ = try check.finish()
            return nil
        } catch { return "\(error)" }
    }

    private static let header = "id,distance,hour,late,origin,at\n"

    static let good = [
        header, header + "a,1,2,true,EWR,2013-01-01T10:15:00Z\n", header + "a,1.5,,,,\r\nb,0,23,0,JFK,\n", "\u{FEFF}" + header + "a,1,2,1,,",
        header + "\"a,\"\"b\"\"\n\",1,2,false,\"EWR\",\"2013-01-01T10:15:00+01:00\"\r\n\"\",2,,,,", "at,origin,late,hour,distance,id\n,,,,5000,x\n",
        "\"id\",\"distance\",hour,late,origin,at\na,1e3,,,,\n",
        #"{"id":"a","distance":1}"# + "\n\n" + #"{"id":"b","distance":2,"late":true,"hour":null}"#,
    ]

    @Test(arguments: good) func holds(_ table: String) { #expect(judge(table) == nil) }

    static let bad: [(String, String)] = [
        ("", "line 1: the file is empty; it needs a header of column names"), ("id,distance\n", "line 1: the column 'hour' of the contract is missing"),
        ("id,distance,hour,late,origin,at,id\n", "line 1: a column name stands twice"), ("id,distance,hour,late,origin,at,x\n", "line 1: the column 'x' is not in the contract"),
        (header + "a,1\n", "line 2: the row has 2 fields and the header 6"), (header + "a,,,,,\n", "line 2: 'distance' is empty, and the contract requires it"),
        (header + "a,1,,,,\nb,5001,,,,\n", "line 3: 'distance' is '5001', and the contract wants 0 to 5000"),
        (header + "a,nan,,,,\n", "line 2: 'distance' is 'nan', and the contract wants 0 to 5000"), (header + "a,0x10,,,,\n", "line 2: 'distance' is '0x10'"),
        (header + "a, 1,,,,\n", "line 2: 'distance' is ' 1'"), (header + "a,1e999,,,,\n", "line 2: 'distance' is '1e999'"), (header + "a,1,2.5,,,\n", "line 2: 'hour' is '2.5'"),
        (header + "a,1,,TRUE,,\n", "line 2: 'late' is 'TRUE'"), (header + "a,1,,,LGA,\n", "line 2: 'origin' is 'LGA', and the contract wants one of EWR, JFK"),
        (header + "a,1,,,,2013-02-30T10:00:00Z\n", "line 2: 'at' is '2013-02-30T10:00:00Z'"), (header + "a,\"1\n", "line 2: a quoted field does not end"),
        (header + "a,1\"2,,,,\n", "line 2: a quote stands inside a field"), (header + "\"a\"b,1,,,,\n", "line 2: something follows a closing quote"),
        (header + "\"x\ny\",1,,,,\n\"x\ny\",2,,,,\n", "line 4: the key 'id' stands in an earlier row too"), (header + "a,1,,,,\na,2,,,,\n", "line 3: the key 'id'"),
        (#"{"id":"a"}"#, "line 1: 'distance' is missing"), (#"{"id":"a","distance":1}"# + "\n" + #"{"id":"a","distance":2}"#, "line 2: the key 'id'"),
        (#"{"id":"b","distance":1}"# + "\n" + #"{"id":"\u0062","distance":2}"#, "line 2: the key 'id'"), (#"{"id":"b","distance":1,"x":2}"#, "line 1: unknown key 'x'"),
        (#"{"id":"b","distance":1"# + "\n", "line 1: the request is not valid JSON"), ("PAR1", "line 1: Parquet is not built yet"),
    ]

    @Test(arguments: bad) func breaks(_ table: String, _ sentence: String) {
        let found = judge(table)
        #expect(found?.hasPrefix(sentence) == true, "\(found ?? "it held")")
    }

    /// Every way of cutting a table into equal chunks gives the same answer.
    @Test(arguments: good.map { ($0, "") } + bad) func anyChunkingIsTheSame(_ table: String, _: String) {
        let whole = judge(table)
        for chunk in 1...max(1, table.utf8.count) { #expect(judge(table, chunk: chunk) == whole, "chunks of \(chunk)") }
    }

    @Test func aRowWithoutEndIsRefusedBeforeItFillsTheMemory() throws {
        var check = try TableCheck(Self.contract)
        try check.feed(Array(Self.header.utf8) + [UInt8(ascii: "\"")])
        var refusal: TableError?
        for _ in 0..<64 where refusal == nil {
            do throws(TableError) { try check.feed([UInt8](repeating: UInt8(ascii: "x"), count: 1 << 16)) } catch { refusal = error }
        }
        #expect(refusal?.line == 2)
    }
}
