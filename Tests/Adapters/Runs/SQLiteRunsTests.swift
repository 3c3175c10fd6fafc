// The history of runs on disk: whole or not at all, in order, and refused when it is somebody else's.
import Foundation
import Pipelines
import Ports
import Primitives
import SQLiteRuns
import TestKit
import Testing

@Suite struct SQLiteRunsTests {
    private static let at = Instant(milliseconds: 1_372_550_400_000)
    private let folder = FileManager.default.temporaryDirectory.appending(path: "runs-\(UUID().uuidString)").path
    private var file: String { folder + "/deep/runs.sqlite" }

    private func components(_ word: String) throws -> StageComponents {
        StageComponents(
            DeclaredComponents(
                work: "run", command: "sh a/b.sh", folder: ProjectPath("a"), code: nil, determinism: .bitwise,
                environment: EnvironmentComponents(lock: nil, interpreter: nil, libc: "glibc 2.36", architecture: "x86_64", threads: 2),
                parameters: [try name("word"): .text(word)],
                sources: [:], outputs: [:], validators: [:]), inputs: [:])
    }

    private func execution(_ run: RunID, _ components: StageComponents, attempt: Int = 1) throws -> StageExecution {
        StageExecution(
            run: run, stage: try name("a"), attempt: attempt, fingerprint: components.fingerprint, outputs: [try name("out"): .file(.of("bytes"))], sandbox: ["bubblewrap"],
            started: Self.at,
            finished: Self.at)
    }

    private func begin(_ runs: SQLiteRuns, _ run: RunID) async throws {
        let outline = RunOutline(pipeline: try name("p"), file: .of("file"), stages: [.init(name: try name("a"), needs: [], outputs: [try name("out")], retries: 0)])
        try await runs.append(.planned(outline, at: Self.at), to: run, of: try name("p"), revision: 0, components: nil)
        try await runs.append(.started(at: Self.at), to: run, of: try name("p"), revision: 1, components: nil)
    }

    @Test func eventsAndExecutionsComeBackAfterReopening() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run: RunID = try name("r1"), made = try components("x")
        do {
            let runs = try SQLiteRuns(path: file)
            try await begin(runs, run)
            try await runs.append(.stagePublished(try execution(run, made), at: Self.at), to: run, of: try name("p"), revision: 2, components: made)
            #expect(try await runs.openRuns().map(\.run) == [run])
            try await runs.append(.succeeded(at: Self.at), to: run, of: try name("p"), revision: 3, components: nil)
        }
        let runs = try SQLiteRuns(path: file)
        #expect(try await runs.events(of: run).map(\.kind) == ["run.planned", "run.started", "run.stage-published", "run.succeeded"])
        let known = CatalogedExecution(try execution(run, made), made)
        let byStage = try await runs.newestExecution(of: try name("a"), in: try name("p")), byFingerprint = try await runs.execution(of: made.fingerprint)
        let byID = try await runs.execution(id: "r1/a/1")
        #expect(byStage == known && byFingerprint == known && byID == known)
        #expect(try await runs.openRuns().isEmpty)
        #expect(try await runs.newestExecution(of: try name("a"), in: try name("other")) == nil)
        for path in [file, folder + "/deep"] {
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == (path == file ? 0o600 : 0o700))
        }
    }

    @Test func aLateWriterIsRefusedAndChangesNothing() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let runs = try SQLiteRuns(path: file), run: RunID = try name("r1"), made = try components("x")
        try await begin(runs, run)
        for revision in [0, 1, 3] {
            let error = await #expect(throws: RunCatalogError.self) {
                try await runs.append(.stagePublished(try execution(run, made), at: Self.at), to: run, of: try name("p"), revision: revision, components: made)
            }
            #expect(error?.code == .conflict)
        }
        #expect(try await runs.events(of: run).count == 2)
        #expect(try await runs.execution(of: made.fingerprint) == nil)
    }

    /// An execution that cannot be stored takes its event with it.
    @Test func anEventAndItsExecutionAreOneTransaction() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let runs = try SQLiteRuns(path: file), run: RunID = try name("r1"), other: RunID = try name("r2"), made = try components("x")
        try await begin(runs, run)
        try await begin(runs, other)
        let taken = try execution(run, made)
        try await runs.append(.stagePublished(taken, at: Self.at), to: run, of: try name("p"), revision: 2, components: made)
        await #expect(throws: RunCatalogError.self) { try await runs.append(.stagePublished(taken, at: Self.at), to: other, of: try name("p"), revision: 2, components: made) }
        #expect(try await runs.events(of: other).count == 2)
    }

    @Test func appendingWorksInACancelledTask() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let runs = try SQLiteRuns(path: file), run: RunID = try name("r1"), pipeline: PipelineName = try name("p")
        try await begin(runs, run)
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            try await runs.append(.cancelled(reason: "asked", at: Self.at), to: run, of: pipeline, revision: 2, components: nil)
        }
        task.cancel()
        try await task.value
        #expect(try await runs.events(of: run).count == 3)
    }

    @Test func theNewestComesFirst() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let runs = try SQLiteRuns(path: file)
        for number in 1...3 {
            let run: RunID = try name("r\(number)"), made = try components(number == 2 ? "y" : "x")
            try await begin(runs, run)
            try await runs.append(.stagePublished(try execution(run, made), at: Self.at), to: run, of: try name("p"), revision: 2, components: made)
        }
        #expect(try await runs.runs(of: try name("p"), limit: 2).map(\.text) == ["r3", "r2"])
        #expect(try await runs.execution(of: try components("x").fingerprint)?.execution.run.text == "r3")
        #expect(try await runs.newestExecution(of: try name("a"), in: try name("p"))?.execution.run.text == "r3")
    }

    @Test func whatIsNoHistoryIsRefused() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder + "/deep", withIntermediateDirectories: true)
        try Data(repeating: 7, count: 8192).write(to: URL(filePath: file))
        #expect(throws: RunCatalogError.self) { try SQLiteRuns(path: file) }
        try FileManager.default.removeItem(atPath: file)
        try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: folder + "/elsewhere")
        #expect(throws: RunCatalogError.self) { try SQLiteRuns(path: file) }
    }

    @Test func oneProcessRunsAtATime() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/lock"
        let first = try RunLock(path: path)
        let error = #expect(throws: RunCatalogError.self) { try RunLock(path: path) }
        #expect(error?.message.contains("another 'penstock run' is at work here") == true)
        withExtendedLifetime(first) {}
    }
}
