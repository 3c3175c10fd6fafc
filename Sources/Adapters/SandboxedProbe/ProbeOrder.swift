// What a boxed child is asked to measure, and how it measures.
private import Contracts
private import Foundation
package import Ports
internal import Primitives
private import Signals

/// The order's files are paths that the sandbox shows read-only.
package struct ProbeOrder: Codable, Sendable {
    struct Model: Codable, Sendable {
        var file: String
        var format: String
        var contract: String
    }

    var candidate: Model?
    var predecessor: Model?
    /// With a data set the candidate is measured on it; without one it is rehearsed.
    var dataset: String?
    var slicing: Slicing?

    struct Slicing: Codable, Sendable {
        var columns: [String]
        var minimum: Int
    }

    /// Does the work in this process. A failure is an answer: the order came from a process that waits for one.
    package func carryOut(engine: any ModelEngine, parser: any DocumentParser) -> ProbeAnswer {
        do {
            if let candidate, let dataset { return try evaluate(Arm(candidate, engine, parser), dataset) }
            return try rehearse(candidate.map { try Arm($0, engine, parser) }, predecessor.map { try Arm($0, engine, parser) })
        } catch {
            return ProbeAnswer(failure: "\(error)")
        }
    }

    private func evaluate(_ arm: Arm, _ dataset: String) throws -> ProbeAnswer {
        let columns = slicing?.columns ?? []
        let table = try LabelledTable(contract: arm.contract, slices: columns)
        var tally = BinaryPerformanceTally()
        var sliced = columns.map { _ in BinaryPerformanceTally() }
        let csv = try Self.read(dataset)
        do {
            try table.forEachSlicedRow(in: csv) { row, label, values, line throws(TableError) in
                do {
                    let score = try row.withUnsafeBufferPointer { try arm.scorer.score($0) }
                    try tally.add(score: score, label: label)
                    for index in columns.indices { try sliced[index].add(score: score, label: label, slice: values[index]) }
                } catch { throw TableError(line: line, message: "the row cannot be scored: \(error)") }
            }
        } catch { throw ModelProbeError("the data set cannot be measured, \(error)") }
        let performance = try tally.performance()
        var answer = ProbeAnswer(label: table.label.name, rows: performance.rows, metrics: performance.metrics, runtime: arm.runtime)
        for (column, tally) in zip(columns, sliced) {
            answer.slices = (answer.slices ?? [:]).merging([column: try tally.performanceBySlice(minimum: slicing?.minimum ?? 1).mapValues(\.metrics)]) { first, _ in first }
        }
        return answer
    }

    /// Puts the candidate in the slot, orders the way back, and times the order to the predecessor's first answer; then compares all answers.
    private func rehearse(_ next: Arm?, _ champion: Arm?) throws -> ProbeAnswer {
        let rows = (0..<64).map { index in [Double](repeating: Double(index % 3), count: max(champion?.features ?? 1, next?.features ?? 1)) }
        let before = try rows.map { try Self.answer($0, champion) }
        var slot = next
        for row in rows { _ = try Self.answer(row, slot) }
        let began = ContinuousClock.now
        slot = champion
        let first = try Self.answer(rows[0], slot)
        let milliseconds = (ContinuousClock.now - began).seconds * 1000
        let after = try [first] + rows.dropFirst().map { try Self.answer($0, slot) }
        guard zip(before, after).allSatisfy({ $0 == $1 || ($0.isNaN && $1.isNaN) }) else {
            throw ModelProbeError("the predecessor answers otherwise after the way back than before")
        }
        return ProbeAnswer(milliseconds: milliseconds, answers: after.count)
    }

    private static func answer(_ row: [Double], _ arm: Arm?) throws -> Double {
        guard let arm else { return .nan }
        return try row[..<arm.features].withUnsafeBufferPointer { try arm.scorer.score($0) }
    }

    private static func read(_ path: String) throws(ModelProbeError) -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else { throw ModelProbeError("the probe cannot read \(path)") }
        return Array(data)
    }

    private struct Arm {
        var contract: DataContract
        var features: Int
        var scorer: any RowScorer
        var runtime: String

        init(_ model: Model, _ engine: any ModelEngine, _ parser: any DocumentParser) throws {
            contract = try DataContract.read(try parser.parse(try ProbeOrder.read(model.contract), file: "the training contract"))
            features = contract.features.count
            scorer = try engine.load(try ProbeOrder.read(model.file), format: model.format, features: features).makeScorer()
            runtime = engine.runtime(of: model.format)
        }
    }
}

package struct ProbeAnswer: Codable, Sendable {
    var failure: String?
    var label: String?
    var rows: Int?
    var metrics: [String: Double]?
    var slices: [String: [String: [String: Double]]]?
    var runtime: String?
    var milliseconds: Double?
    var answers: Int?
}
