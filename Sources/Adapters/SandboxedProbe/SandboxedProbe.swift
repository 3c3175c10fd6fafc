// Models measured by a boxed child of this same program.
package import Ports
package import Primitives

/// Gives a child just the files of one order, and reads its answer back. The child is `penstock worker probe`, which carries out a `ProbeOrder`.
package struct SandboxedProbe: ModelProbe {
    private let artifacts: any ArtifactStore
    private let runner: any ProbeRunner

    package init(artifacts: any ArtifactStore, runner: any ProbeRunner) {
        self.artifacts = artifacts
        self.runner = runner
    }

    package func evaluate(
        _ subject: ProbeSubject, dataset: Digest, slices: [String], minimum: Int
    ) async throws(ModelProbeError) -> EvaluationOutcome {
        var order = ProbeOrder(candidate: try await model(subject))
        if !slices.isEmpty { order.slicing = ProbeOrder.Slicing(columns: slices, minimum: minimum) }
        order.dataset = try await file(dataset)
        let (answer, sandbox) = try await carryOut(order, timeout: .seconds(600))
        guard let label = answer.label, let rows = answer.rows, let metrics = answer.metrics, let runtime = answer.runtime else {
            throw ModelProbeError("the probe gave no evaluation")
        }
        return EvaluationOutcome(label: label, rows: rows, metrics: metrics, slices: answer.slices ?? [:], runtime: runtime, sandbox: sandbox)
    }

    package func rehearse(candidate: ProbeSubject?, predecessor: ProbeSubject?) async throws(ModelProbeError) -> RehearsalOutcome {
        var order = ProbeOrder()
        if let candidate { order.candidate = try await model(candidate) }
        if let predecessor { order.predecessor = try await model(predecessor) }
        let (answer, _) = try await carryOut(order, timeout: .seconds(120))
        guard let milliseconds = answer.milliseconds, let answers = answer.answers else { throw ModelProbeError("the probe gave no rehearsal") }
        return RehearsalOutcome(milliseconds: milliseconds, answers: answers)
    }

    private func carryOut(_ order: ProbeOrder, timeout: Duration) async throws(ModelProbeError) -> (ProbeAnswer, [String]) {
        let files = [order.candidate?.file, order.candidate?.contract, order.predecessor?.file, order.predecessor?.contract, order.dataset].compactMap { $0 }
        let request = ProbeRequest(
            arguments: ["worker", "probe"], readOnlyFiles: Array(Set(files)).sorted(), input: StrictJSON.encode(order), timeout: timeout, outputLimit: 1 << 20)
        do {
            let result = try await runner.run(request)
            guard result.status != .exited(127) else {
                throw ModelProbeError("the probe could not be started in its sandbox: a library of the program is missing there; run 'penstock doctor'")
            }
            guard result.status == .exited(0) else {
                throw ModelProbeError("the probe ended with \(result.status) instead of an answer; the model file may be damaged")
            }
            let answer: ProbeAnswer = try StrictJSON.decode(from: result.output)
            if let failure = answer.failure { throw ModelProbeError(failure) }
            return (answer, result.sandbox)
        } catch {
            if let error = error as? ModelProbeError { throw error }
            throw ModelProbeError("the probe could not measure: \(error)")
        }
    }

    private func model(_ subject: ProbeSubject) async throws(ModelProbeError) -> ProbeOrder.Model {
        ProbeOrder.Model(file: try await file(subject.artifact), format: subject.format, contract: try await file(subject.contract))
    }

    private func file(_ digest: Digest) async throws(ModelProbeError) -> String {
        do { return try await artifacts.verifiedFile(digest) } catch { throw ModelProbeError(error.message) }
    }
}
