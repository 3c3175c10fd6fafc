// Provenance statements of a small pipeline: raw file → rows → model.
package import Evidence
package import Pipelines
package import Primitives

/// Two stages, `rows` and `train`, that were run once.
package struct MadeProvenance: Sendable {
    package let rows: Statement<SLSAProvenance>
    package let model: Statement<SLSAProvenance>

    package init(model: Digest, rows: Digest = .of("rows"), run: String = "r1") throws {
        func statement(
            _ stage: String, _ output: String, _ digest: Digest, sources: [SlotName: SourceComponent] = [:], inputs: [SlotName: InputComponent] = [:]
        ) throws -> Statement<SLSAProvenance> {
            let components = StageComponents(
                DeclaredComponents(
                    work: "run", command: "python stages/\(stage).py", folder: ProjectPath("stages"), code: nil, determinism: .bitwise,
                    environment: EnvironmentComponents(lock: .of("lock"), interpreter: "CPython 3.11.2", libc: "glibc 2.36", architecture: "x86_64", threads: 2),
                    parameters: [try name("seed"): .number(7)], sources: sources, outputs: [:], validators: [:]), inputs: inputs)
            let execution = StageExecution(
                run: try name(run), stage: try name(stage), attempt: 1, fingerprint: components.fingerprint, outputs: [try name(output): .file(digest)], sandbox: ["bubblewrap"],
                started: World.now,
                finished: World.now)
            let predicate = try SLSAProvenance(
                of: try name(output), execution: execution, components: components, pipeline: try name("p"), builder: .init(id: "https://penstock.dev/test", version: [:]))
            return Statement(about: [.init(name: "\(stage).\(output)", digest: digest)], predicateType: SLSAProvenance.predicateType, predicate: predicate)
        }
        let raw = SourceComponent(content: .file(.of("raw")), path: try required(ProjectPath("data/raw.csv"), "a path"))
        self.rows = try statement("ingest", "rows", rows, sources: [try name("raw"): raw])
        let input = InputComponent(content: .file(rows), producer: try required(OutputReference(parsing: "ingest.rows"), "an output"))
        self.model = try statement("train", "model", model, inputs: [try name("rows"): input])
    }
}

extension Statement<SLSAProvenance> {
    package func signed(by key: SigningKey) -> Envelope { Envelope(signing: self, as: statementPayloadType, by: [key]) }
}
