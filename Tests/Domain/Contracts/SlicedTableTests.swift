// The texts by which labelled rows are sliced.
import Contracts
import Testing

@Suite struct SlicedTableTests {
    private let contract = DataContract(
        id: "t", name: "t", version: "1.0.0",
        columns: [
            Column(name: "x", type: .number, required: true, role: .feature), Column(name: "place", type: .string),
            Column(name: "late", type: .boolean, required: true, role: .label),
            Column(name: "code", type: .string, required: true, allowed: ["b", "a"], role: .feature),
        ])

    @Test func eachRowComesWithItsTexts() throws {
        let table = try LabelledTable(contract: contract, slices: ["code", "place"])
        var seen: [[String?]] = []
        try table.forEachSlicedRow(in: Array("place,code,x,late\n\"Oslo, \"\"S\"\"\",a,1,true\n,b,2,false\n\"\",b,3,false\n".utf8)) { row, _, texts, _ throws(TableError) in
            seen.append(texts)
            #expect(row.count == 2)
        }
        #expect(seen == [["a", "Oslo, \"S\""], ["b", nil], ["b", ""]])
    }

    @Test func aSliceThatIsNoColumnIsRefused() { #expect(throws: ContractError.self) { try LabelledTable(contract: contract, slices: ["airport"]) } }
}
