// Runs the pipelines of a project: what must run runs, what is known is reused, and everything that happened is recorded.
package import Pipelines
package import Ports
internal import Primitives

package struct PipelineExecutor: Sendable {
    package struct Dependencies: Sendable {
        package var project: any ProjectFiles
        package var catalog: any RunCatalog
        package var artifacts: any ArtifactStore
        package var runner: any StageRunner
        package var probe: any ModelProbe
        package var registrar: any ModelRegistrar
        package var machine: StageMachine
        package var clock: any WallClock
        package var random: any RandomSource
        /// Part to version, for provenance.
        package var builder: [String: String]

        package init(
            project: any ProjectFiles, catalog: any RunCatalog, artifacts: any ArtifactStore, runner: any StageRunner, probe: any ModelProbe,
            registrar: any ModelRegistrar, machine: StageMachine, clock: any WallClock, random: any RandomSource, builder: [String: String]
        ) {
            self.project = project
            self.catalog = catalog
            self.artifacts = artifacts
            self.runner = runner
            self.probe = probe
            self.registrar = registrar
            self.machine = machine
            self.clock = clock
            self.random = random
            self.builder = builder
        }
    }

    let dependencies: Dependencies

    package init(_ dependencies: Dependencies) { self.dependencies = dependencies }

    /// What would happen now, without running anything.
    package func explain(_ pipeline: PreparedPipeline, forced: Set<StageName> = []) async throws -> Plan {
        var memory = Memory(dependencies)
        return try await memory.plan(pipeline, finished: [:], forced: forced)
    }

    /// Runs to the end and records how it went; a failed stage is a value in the report. Only one executor at a time may use a catalog.
    ///
    /// When the task is cancelled, the stage under way is ended and the run recorded as cancelled. When this throws, or the process is killed, the
    /// next call closes what was left open and goes on with the stages that had finished.
    package func run(
        _ pipeline: PreparedPipeline, forced: Set<StageName> = [], progress: @escaping @Sendable (RunProgress) -> Void = { _ in }
    ) async throws -> RunReport {
        try await closeInterruptedRuns()
        await dependencies.project.removeAllWorkspaces()
        var session = try await RunSession(dependencies, pipeline, id: try newID(), progress: progress)
        return try await session.run(forced: forced)
    }

    /// A run without an executor ends here: whoever may call this is the only one.
    private func closeInterruptedRuns() async throws {
        let reason = "its process ended before it did; a newer run goes on with what it finished"
        for (id, pipeline) in try await dependencies.catalog.openRuns() {
            let events = try await dependencies.catalog.events(of: id)
            guard var run = try PipelineRun.fold(id, events) else { continue }
            var revision = events.count
            while !run.phase.isTerminal {
                let event = Self.closing(run, reason, at: dependencies.clock.now())
                try run.apply(event)
                try await dependencies.catalog.append(event, to: id, of: pipeline, revision: revision, components: nil)
                revision += 1
            }
        }
    }

    private static func closing(_ run: PipelineRun, _ reason: String, at now: Instant) -> RunEvent {
        switch (run.phase, run.verdict) {
        case (.running, .succeeded): .succeeded(at: now)
        case (.running, .failed): .failed(at: now)
        case (.running, nil): .abandoned(at: now)
        default: .cancelled(reason: reason, at: now)
        }
    }

    /// Sorts by time, and is never used twice.
    private func newID() throws -> RunID {
        let digits = dependencies.clock.now().description.filter { $0.isNumber }
        let text = "\(digits.prefix(8))-\(digits.dropFirst(8).prefix(6))-\(dependencies.random.bytes(3).hex)"
        guard let id = RunID(text) else { throw PipelineError(.incomplete, "the clock gives no time to name a run by; set the machine's clock") }
        return id
    }
}
