// What the control plane runs in a sandboxed child: the first load of a model file.
import ArgumentParser
import Contracts
import Foundation
import ModelEngines
import Ports
import Primitives
import Signals
import YAMLDocuments

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Work that runs boxed in a child process; started by Penstock itself.", shouldDisplay: false, subcommands: [Probe.self])

    struct Probe: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Loads a model and measures it; reads an order from standard input.")

        func run() async throws {
            let order = try StrictJSON.decode(ProbeOrder.self, from: Array(FileHandle.standardInput.readDataToEndOfFile()))
            let answer: ProbeAnswer
            do { answer = try order.carryOut() } catch { answer = ProbeAnswer(failure: (error as? Failure)?.message ?? "\(error)") }
            FileHandle.standardOutput.write(Data(StrictJSON.encode(answer)))
        }
    }
}

/// The order's files are paths that the sandbox shows read-only.
struct ProbeOrder: Codable {
    struct Model: Codable {
        var file: String
        var format: String
        var contract: String
    }

    var candidate: Model?
    var predecessor: Model?
    /// With a data set the candidate is measured on it; without one it is rehearsed.
    var dataset: String?

    func carryOut() throws -> ProbeAnswer {
        if let candidate, let dataset { return try evaluate(candidate, dataset) }
        return try rehearse()
    }

    private func evaluate(_ model: Model, _ dataset: String) throws -> ProbeAnswer {
        let arm = try Arm(model)
        let table = try LabelledTable(contract: arm.contract)
        var tally = BinaryPerformanceTally()
        let csv = try Files.read(dataset, limit: 1 << 30)
        do {
            try table.forEachRow(in: csv) { row, label, line throws(TableError) in
                do {
                    try tally.add(score: try row.withUnsafeBufferPointer { try arm.scorer.score($0) }, label: label)
                } catch { throw TableError(line: line, message: "the row cannot be scored: \(error)") }
            }
        } catch { throw Failure.badInput("the data set cannot be measured, \(error)") }
        let performance = try tally.performance()
        return ProbeAnswer(label: table.label.name, rows: performance.rows, metrics: performance.metrics, runtime: ModelEngines().libraryPath(format: model.format) ?? model.format)
    }

    /// Puts the candidate in the slot, orders the way back, and times the order to the predecessor's first answer; then compares all answers.
    private func rehearse() throws -> ProbeAnswer {
        let champion = try predecessor.map { try Arm($0) }
        let next = try candidate.map { try Arm($0) }
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
            throw Failure.no("the predecessor answers otherwise after the way back than before")
        }
        return ProbeAnswer(milliseconds: milliseconds, answers: after.count)
    }

    private static func answer(_ row: [Double], _ arm: Arm?) throws -> Double {
        guard let arm else { return .nan }
        return try row[..<arm.features].withUnsafeBufferPointer { try arm.scorer.score($0) }
    }

    private struct Arm {
        var contract: DataContract
        var features: Int
        var scorer: any RowScorer

        init(_ model: Model) throws {
            contract = try DataContract.read(try YAMLDocumentParser().parse(try Files.read(model.contract), file: "the training contract"))
            features = contract.features.count
            scorer = try ModelEngines().load(try Files.read(model.file, limit: 1 << 32), format: model.format, features: features).makeScorer()
        }
    }
}

struct ProbeAnswer: Codable {
    var failure: String?
    var label: String?
    var rows: Int?
    var metrics: [String: Double]?
    var runtime: String?
    var milliseconds: Double?
    var answers: Int?
}
