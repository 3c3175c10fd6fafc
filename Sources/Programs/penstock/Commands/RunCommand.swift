// Running a project's pipeline, and saying what a run would do.
import ArgumentParser
import Foundation
import PipelineExecutor
import Pipelines
import Primitives
import SQLiteRuns
import Synchronization

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs the pipeline of penstock.yaml: each stage in a sandbox, its outputs checked against their contracts.",
        discussion: """
            A stage whose code, parameters, contracts, environment, inputs and sources are those of an earlier execution is reused, and the line says why \
            it ran or need not. What a run finished is kept however it ends; the next one goes on with it. Ctrl-C ends the stage under way and records that.

              penstock run
              penstock run --set until=2013-07-31 --set train.trees=400
              penstock run train --force train
              penstock run --key ada.key --output json

            Exit codes besides the usual: 1 a stage failed or the run was stopped.
            """)
    @OptionGroup var options: ProjectOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Only these stages and what they depend on. Default: all.") var stages: [StageName] = []
    @Option(help: "Run this stage even if its result is known. May be repeated.") var force: [StageName] = []
    @Option(help: "Your private key file, with which a register stage signs.") var key: String?
    @Option(help: "The control plane of a register stage. Default: PENSTOCK_URL, or the one started from this home.") var url: String?

    func run() async throws {
        let project = await Project(options, url: url, key: key)
        let pipeline = try await project.prepare(targets: stages)
        for stage in force { _ = try pipeline.graph.stage(stage) }
        let executor = try await project.executor()
        let lock = try RunLock(path: project.home.pipelines + "/lock")
        defer { withExtendedLifetime(lock) {} }
        let printer = RunPrinter(format: output.output, stages: pipeline.graph.order)
        let work = Task { try await executor.run(pipeline, forced: Set(force)) { printer.show($0) } }
        let signals = Task {
            await Signals.wait([SIGINT, SIGTERM])
            work.cancel()
        }
        defer { signals.cancel() }
        let report = try await work.value
        if output.output == .json { print(Terminal.escaped(json: String(decoding: StrictJSON.encode(report), as: UTF8.self))) }
        try finish(report)
    }

    private func finish(_ report: RunReport) throws {
        switch report.phase {
        case .succeeded: return
        case .cancelled: throw Failure.no("the run \(report.run) was stopped; what it finished is kept, and 'penstock run' goes on with it")
        default:
            guard let failed = report.stages.first(where: { $0.outcome == .failed }) else { throw Failure.no("the run \(report.run) ended as \(report.phase.rawValue)") }
            let log = failed.log.map { "; all it said is in \($0)" } ?? ""
            throw Failure.no("the stage '\(failed.stage)' failed: \(failed.why)\(log)")
        }
    }
}

/// A line per stage as it ends. Lines go out one by one, also into a pipe.
private final class RunPrinter: Sendable {
    private let format: OutputFormat
    private let width: Int

    init(format: OutputFormat, stages: [StageName]) {
        self.format = format
        width = stages.map(\.text.count).max() ?? 0
    }

    func show(_ progress: RunProgress) {
        guard format == .table else { return }
        switch progress {
        case .began(let run, let sandbox):
            say("run \(run)")
            if sandbox.first == "none" { say("  stages are not boxed here, and its record says so; 'penstock doctor' says what is missing") }
        case .stageBegan: return
        case .attemptFailed(let stage, let attempt, let reason):
            say("  \(padded(stage)) attempt \(attempt) failed, another follows: \(reason.sentence)")
        case .stageEnded(let report):
            let rows = report.rows.values.reduce(0, +)
            let facts = [
                report.outcome == .ran || report.outcome == .failed ? String(format: "%.1f s", report.seconds) : nil, rows > 0 ? "\(rows) rows checked" : nil,
            ].compactMap { $0 }
            say("  \(padded(report.stage)) \(report.outcome.rawValue)\(facts.isEmpty ? "" : ", " + facts.joined(separator: ", ")): \(report.why)")
        }
    }

    private func padded(_ stage: StageName) -> String { stage.text + String(repeating: " ", count: max(0, width - stage.text.count)) }

    private func say(_ line: String) { FileHandle.standardOutput.write(Data((Terminal.clean(line) + "\n").utf8)) }
}

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Says what a run would do and why, stage by stage, without running anything.",
        discussion: "  penstock explain\n  penstock explain train --set train.trees=400\n  penstock explain --output json")
    @OptionGroup var options: ProjectOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Only these stages and what they depend on. Default: all.") var stages: [StageName] = []

    private struct Line: Codable {
        enum Decision: String, Codable { case run, reuse, wait }
        var stage: StageName
        var decision: Decision
        var why: String
        var reasons: [RerunReason] = []
        var fingerprint: StageFingerprint?
    }

    func run() async throws {
        let project = await Project(options)
        let pipeline = try await project.prepare(targets: stages)
        let plan = try await project.executor().explain(pipeline)
        let lines = plan.steps.map(Self.line)
        output.show(lines, columns: ["stage", "a run would", "why"], rows: lines.map { [$0.stage.text, $0.decision.rawValue, $0.why] }, empty: "")
    }

    private static func line(_ step: Plan.Step) -> Line {
        var line: Line
        switch step.decision {
        case .reuse(_, let reason): line = Line(stage: step.stage, decision: .reuse, why: reason.sentence)
        case .run(let reasons): line = Line(stage: step.stage, decision: .run, why: reasons.map(\.sentence).joined(separator: "; "), reasons: reasons)
        case .waiting(let stages):
            let names = stages.map(\.text).joined(separator: ", ")
            line = Line(stage: step.stage, decision: .wait, why: "what it reads is known only after \(names); it is reused if that comes out as before")
        case .finished: line = Line(stage: step.stage, decision: .reuse, why: "it has finished")
        }
        line.fingerprint = step.components?.fingerprint
        return line
    }
}
