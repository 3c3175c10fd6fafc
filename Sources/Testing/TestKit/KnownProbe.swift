// A probe that knows what every model is worth, without running one.
package import Ports
package import Primitives
private import Synchronization

/// Measures by looking up. It refuses what a real probe could not do: a file that is not in the store, another format, a model it does not know.
package final class KnownProbe: ModelProbe {
    package struct Knowledge: Sendable {
        /// By artifact. An artifact without an entry breaks the child.
        package var metrics: [Digest: [String: Double]] = [:]
        /// How long every way back takes.
        package var milliseconds = 4.0
        /// Nothing can be measured while it says why.
        package var outage: String?
        package var evaluations = 0
        /// What each rehearsal went back to, by artifact; `nil` for the fallback.
        package var predecessors: [Digest?] = []
        package var rehearsals: Int { predecessors.count }
    }

    private let knowledge = Mutex(Knowledge())
    private let artifacts: any ArtifactStore

    package init(_ artifacts: any ArtifactStore) { self.artifacts = artifacts }

    package func change(_ body: (inout Knowledge) -> Void) { knowledge.withLock { body(&$0) } }

    package func look<Value: Sendable>(_ body: (Knowledge) -> Value) -> Value { knowledge.withLock { body($0) } }

    package func evaluate(_ subject: ProbeSubject, dataset: Digest, slices: [String], minimum: Int) async throws(ModelProbeError) -> EvaluationOutcome {
        let known = look { $0 }
        try await check(subject, known)
        try await need(dataset, "data set")
        guard let metrics = known.metrics[subject.artifact] else { throw ModelProbeError("the child ended by signal 11") }
        change { $0.evaluations += 1 }
        return EvaluationOutcome(label: "late", rows: 1, metrics: metrics, runtime: "known", sandbox: ["none"])
    }

    package func rehearse(candidate: ProbeSubject?, predecessor: ProbeSubject?) async throws(ModelProbeError) -> RehearsalOutcome {
        let known = look { $0 }
        for subject in [candidate, predecessor].compactMap({ $0 }) { try await check(subject, known) }
        guard candidate != nil || predecessor != nil else { throw ModelProbeError("there is no way back from the fallback to the fallback") }
        change { $0.predecessors.append(predecessor?.artifact) }
        return RehearsalOutcome(milliseconds: known.milliseconds, answers: 8)
    }

    private func check(_ subject: ProbeSubject, _ known: Knowledge) async throws(ModelProbeError) {
        if let outage = known.outage { throw ModelProbeError(outage) }
        guard subject.format == "lightgbm" else { throw ModelProbeError("there is no runtime for '\(subject.format)'") }
        try await need(subject.artifact, "model")
        try await need(subject.contract, "contract")
    }

    private func need(_ digest: Digest, _ what: String) async throws(ModelProbeError) {
        guard (try? await artifacts.contains(digest)) == true else { throw ModelProbeError("the \(what) \(digest.short) is not in the store") }
    }
}
