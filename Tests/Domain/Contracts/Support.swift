// What the tests of this room share: the example's contracts, and rows as text.
import Contracts
import Foundation
import Primitives
import YAMLDocuments

let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Examples/flight-delay")

func parse(_ text: String, file: String = "test.yaml") throws -> DocumentNode {
    try YAMLDocumentParser().parse(Array(text.utf8), file: file)
}

func exampleText(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: examples.appendingPathComponent(name)), as: UTF8.self)
}

func exampleContract(_ name: String) throws -> DataContract {
    try DataContract.read(parse(exampleText("contracts/\(name).yaml"), file: "\(name).yaml"))
}

/// What an expression threw, as text; empty when it threw nothing.
func refusal(_ body: () throws -> some Any) -> String {
    do {
        _ = try body()
        return ""
    } catch {
        return "\(error)"
    }
}

func contract(_ properties: String) -> String {
    """
    apiVersion: v3.1.0
    kind: DataContract
    id: t
    version: 1.0.0
    status: active
    schema:
      - name: rows
        properties:
    \(properties.split(separator: "\n").map { "      " + $0 }.joined(separator: "\n"))
    """
}

struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
