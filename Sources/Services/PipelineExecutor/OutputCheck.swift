// Takes what a stage wrote: checked against its contract, then stored under its digest.
internal import Contracts
internal import Pipelines
internal import Ports
internal import Primitives

extension StageAttempt {
    struct Breach: Error {
        var reason: FailureReason
    }

    /// Nothing is stored of an output that breaks its contract.
    func take(_ output: StageOutput, _ workspace: StageWorkspace) async throws -> Swift.Result<Output, Breach> {
        func broken(_ sentence: String) -> Swift.Result<Output, Breach> { .failure(Breach(reason: .contractBroken(output.name, sentence))) }
        switch try dependencies.project.output(output.name, in: workspace) {
        case .missing: return .failure(Breach(reason: .outputMissing(output.name)))
        case .notAFile: return broken("it is no file; a stage writes one file where $\(StageVariable.output(output.name)) says")
        case .file(let chunks):
            var check: TableCheck?
            if case .table(let path) = output.kind, let contract = pipeline.contracts[path] { check = try TableCheck(contract.contract) }
            let measured: Measured
            do {
                measured = try await measure(chunks, &check)
            } catch let error as TableError {
                return broken("\(error)")
            }
            guard let digest = measured.digest else { return .failure(Breach(reason: .tooLarge(output.name))) }
            try await dependencies.artifacts.put(stream: chunks, expecting: digest, limit: Limits.artifactBytes)
            if case .model(let format, let path) = output.kind, let contract = pipeline.contracts[path] {
                if let fault = try await fault(ofModel: digest, format, contract) { return broken(fault) }
            }
            return .success(Output(content: .file(digest), rows: measured.rows))
        }
    }

    private struct Measured {
        /// `nil` when it is too large.
        var digest: Digest?
        var rows: Int?
    }

    private func measure(_ chunks: any AsyncSequence<[UInt8], any Error> & Sendable, _ check: inout TableCheck?) async throws -> Measured {
        var hasher = DigestHasher()
        var count = 0
        for try await chunk in chunks {
            try Task.checkCancellation()
            count += chunk.count
            guard count <= Limits.artifactBytes else { return Measured() }
            hasher.update(chunk)
            try check?.feed(chunk)
        }
        return Measured(digest: hasher.finalize(), rows: try check?.finish().rows)
    }

    /// Loaded by the serving runtime, boxed: what cannot be served is no model.
    private func fault(ofModel digest: Digest, _ format: ModelFormat, _ contract: ContractFile) async throws -> String? {
        let subject = ProbeSubject(artifact: digest, format: format.rawValue, contract: try await dependencies.artifacts.put(contract.bytes))
        do {
            _ = try await dependencies.probe.rehearse(candidate: subject, predecessor: nil)
            return nil
        } catch { return error.message }
    }
}
