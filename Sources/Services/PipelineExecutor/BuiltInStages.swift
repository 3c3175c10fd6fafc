// The stages that Penstock carries out itself: measuring a model, and registering it.
internal import Contracts
internal import Evidence
internal import Pipelines
internal import Ports
internal import Primitives

/// What an evaluate stage writes. Nothing in it depends on when it was measured, so that the same model and data give the same bytes.
private struct EvaluationFile: Encodable {
    var format = 1
    var model: Digest
    var dataset: Digest
    var label: String
    var rows: Int
    var metrics: [String: Double]
    var slices: [String: [String: [String: Double]]]
    var runtime: String
    var sandbox: [String]
}

private struct VersionFile: Encodable {
    var format = 1
    var version: String
    var artifact: Digest
    var registry: String
}

extension StageAttempt {
    /// Values of a slice with fewer rows than this are measured together.
    private static let smallestSlice = 100

    func evaluate(_ work: EvaluationWork) async throws -> (outputs: [SlotName: Output], sandbox: [String]) {
        let model = try digest(of: work.model), dataset = try digest(of: work.data)
        guard let contract = pipeline.contract(of: work.data), let format = format(of: work.model) else {
            throw Refusal(sentence: "the model or its data has no contract; give \(work.model) a signature and \(work.data) a contract")
        }
        let subject = ProbeSubject(artifact: model, format: format.rawValue, contract: try await dependencies.artifacts.put(contract.bytes))
        let outcome: EvaluationOutcome
        do {
            outcome = try await dependencies.probe.evaluate(subject, dataset: dataset, slices: work.slices.map(\.value), minimum: Self.smallestSlice)
        } catch { throw Refusal(sentence: error.message) }
        let figures = Array(outcome.metrics.values) + outcome.slices.values.flatMap(\.values).flatMap(\.values)
        guard figures.allSatisfy(\.isFinite) else {
            throw Refusal(sentence: "something that was measured is not a number; look at the rows of \(work.data)")
        }
        let file = EvaluationFile(
            model: model, dataset: dataset, label: outcome.label, rows: outcome.rows, metrics: outcome.metrics, slices: outcome.slices, runtime: outcome.runtime,
            sandbox: outcome.sandbox)
        let output = Output(content: .file(try await dependencies.artifacts.put(StrictJSON.encode(file))), rows: outcome.rows)
        return ([BuiltInSlot.evaluation: output], outcome.sandbox)
    }

    func register(_ work: RegistrationWork) async throws -> [SlotName: Output] {
        guard let contract = pipeline.contract(of: work.model), let format = format(of: work.model), let evidence = work.evidence?.value,
            case .evaluate(let evaluation) = try pipeline.graph.stage(evidence).work
        else { throw Refusal(sentence: "\(work.model) is no model with evidence; a validated pipeline has both") }
        let model = try digest(of: work.model)
        let order = RegistrationOrder(
            name: work.name, model: model, format: format.rawValue, contract: contract.bytes,
            signature: try ModelSignature(trainingContract: contract.contract).digest, dataset: try digest(of: evaluation.data),
            provenance: try await provenance(), note: "run \(run.id) of \(run.pipeline)")
        do {
            let version = try await dependencies.registrar.register(order, from: dependencies.artifacts)
            let file = VersionFile(version: version.description, artifact: model, registry: dependencies.registrar.registry)
            return [BuiltInSlot.version: Output(content: .file(try await dependencies.artifacts.put(StrictJSON.encode(file))))]
        } catch let error as RegistrarError { throw Refusal(sentence: error.message) }
    }

    private func format(of model: OutputReference) -> ModelFormat? {
        guard case .model(let format, _) = (try? pipeline.graph.stage(model.stage))?.output(model.output)?.kind else { return nil }
        return format
    }

    /// One statement per output that this stage depends on, from the sources on.
    private func provenance() async throws -> [Statement<SLSAProvenance>] {
        let builder = SLSAProvenance.Builder(id: "https://penstock.dev/pipeline-executor/v1", version: dependencies.builder)
        var statements: [Statement<SLSAProvenance>] = []
        for name in pipeline.graph.upstream(of: stage.name) {
            guard let execution = run.outcomes[name]?.execution, let known = try await dependencies.catalog.execution(id: execution.id) else { continue }
            for (output, content) in execution.outputs.sorted(by: { $0.key < $1.key }) {
                let predicate = try SLSAProvenance(of: output, execution: execution, components: known.components, pipeline: run.pipeline, builder: builder)
                statements.append(
                    Statement(
                        about: [.init(name: "\(name).\(output)", digest: content.digest)], predicateType: SLSAProvenance.predicateType, predicate: predicate))
            }
        }
        return statements
    }
}
