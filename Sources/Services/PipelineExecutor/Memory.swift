// What an executor knows of the past: executions from the catalog whose outputs the store still has.
internal import Pipelines
internal import Ports
internal import Primitives

struct Memory {
    private let dependencies: PipelineExecutor.Dependencies
    private var known = KnownExecutions()
    private var asked: Set<StageFingerprint> = []
    private var askedStages: Set<StageName> = []
    private var stored: [ArtifactContent: Bool] = [:]

    init(_ dependencies: PipelineExecutor.Dependencies) { self.dependencies = dependencies }

    /// Made again until the catalog has been asked about everything that it says must run.
    mutating func plan(_ pipeline: PreparedPipeline, finished: [StageName: StageOutcome], forced: Set<StageName>) async throws -> Plan {
        for stage in pipeline.graph.order where askedStages.insert(stage).inserted {
            guard let newest = try await dependencies.catalog.newestExecution(of: stage, in: pipeline.graph.spec.name) else { continue }
            try await look(at: newest.execution)
            known.insert(newest: newest.execution, components: newest.components)
        }
        while true {
            let plan = Plan(graph: pipeline.graph, declared: pipeline.declared, known: known, finished: finished, forced: forced)
            var hasLearned = false
            for step in plan.steps {
                guard case .run = step.decision, let fingerprint = step.components?.fingerprint, asked.insert(fingerprint).inserted else { continue }
                guard let found = try await dependencies.catalog.execution(of: fingerprint) else { continue }
                try await look(at: found.execution)
                known.insert(found.execution)
                hasLearned = true
            }
            if !hasLearned { return plan }
        }
    }

    /// What was just published is stored again.
    mutating func remember(_ execution: StageExecution) {
        for content in execution.outputs.values {
            stored[content] = true
            known.missing.remove(content)
        }
    }

    private mutating func look(at execution: StageExecution) async throws {
        for content in execution.outputs.values where stored[content] == nil {
            let isStored = try await isStored(content)
            stored[content] = isStored
            if !isStored { known.missing.insert(content) }
        }
    }

    /// Bytes that changed on the disk are as good as gone: their stage runs again and puts the right ones in their place.
    private func isStored(_ content: ArtifactContent) async throws -> Bool {
        guard case .file(let digest) = content else { return false }
        do {
            _ = try await dependencies.artifacts.verifiedFile(digest)
            return true
        } catch {
            guard error.code == .missing || error.code == .damaged else { throw error }
            return false
        }
    }
}
