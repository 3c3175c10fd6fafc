// From a digest back to the raw files, over the provenance that the ledger has.
package import Evidence
package import Pipelines
package import Primitives

/// How one output came about, and who signed that.
package struct RecordedProvenance: Hashable, Sendable, Codable {
    /// `stage.output`.
    package var output: String
    package var digest: Digest
    package var signedBy: [PersonID]
    package var provenance: SLSAProvenance
}

/// One output behind a version: what made it, and from what.
package struct LineageStep: Hashable, Sendable, Codable {
    package var output: String
    package var digest: Digest
    package var stage: String
    package var command: String
    package var parameters: [String: ParameterValue]
    package var invocation: String
    package var finished: Instant
    package var signedBy: [PersonID]
    package var dependencies: [SLSAProvenance.Resource]
}

extension SystemState {
    /// Refuses a statement that no person of the trust root signed, that is no provenance, or that is not about exactly one digest.
    mutating func take(provenance envelope: Envelope, trust: TrustRoot) throws(ReleaseError) {
        let recorded = try Self.provenance(envelope, trust: trust)
        // Told twice is told once.
        guard provenance[recorded.digest]?.contains(recorded) != true else {
            throw ReleaseError(
                .order, "the provenance of \(recorded.output) \(recorded.digest.short) by \(recorded.provenance.runDetails.metadata.invocationId) is recorded already")
        }
        provenance[recorded.digest, default: []].append(recorded)
    }

    package static func provenance(_ envelope: Envelope, trust: TrustRoot) throws(ReleaseError) -> RecordedProvenance {
        let signers = trust.signers(of: envelope)
        guard !signers.isEmpty else {
            throw ReleaseError(.authority, "provenance is accepted only with the signature of a person of the trust root; sign with one of their keys")
        }
        let statement: Statement<SLSAProvenance>
        do { statement = try envelope.decodeUnverified(as: statementPayloadType) } catch { throw ReleaseError(.invalid, error.message) }
        guard statement.isStatement(SLSAProvenance.predicateType), statement.predicate.buildDefinition.buildType == SLSAProvenance.buildType else {
            throw ReleaseError(.invalid, "the statement is no provenance of a pipeline's stage")
        }
        let parameters = statement.predicate.buildDefinition.externalParameters
        guard statement.subject.count == 1, let subject = statement.subject.first, subject.name == "\(parameters.stage).\(parameters.output)",
            let hex = subject.digest["sha256"], let digest = Digest(parsing: "sha256:" + hex)
        else { throw ReleaseError(.invalid, "provenance is about one output of its stage, by its SHA-256") }
        return RecordedProvenance(output: subject.name, digest: digest, signedBy: signers.map(\.id).sorted(), provenance: statement.predicate)
    }

    /// The output with this digest and everything behind it, each once, from the output to the raw files. Of several executions that gave the same
    /// bytes the one recorded last is told. Empty for a digest whose making nobody recorded.
    package func lineage(of digest: Digest) -> [LineageStep] {
        var steps: [LineageStep] = []
        var seen: Set<Digest> = [digest]
        var waiting = [digest]
        while let next = waiting.first {
            waiting.removeFirst()
            guard let recorded = provenance[next]?.last else { continue }
            let build = recorded.provenance.buildDefinition, run = recorded.provenance.runDetails.metadata
            steps.append(
                LineageStep(
                    output: recorded.output, digest: next, stage: build.externalParameters.stage.text, command: build.externalParameters.command,
                    parameters: Dictionary(uniqueKeysWithValues: build.externalParameters.parameters.map { ($0.key.text, $0.value) }),
                    invocation: run.invocationId, finished: run.finishedOn, signedBy: recorded.signedBy, dependencies: build.resolvedDependencies))
            for dependency in build.resolvedDependencies where dependency.name?.hasPrefix("input.") == true {
                guard let hex = dependency.digest["sha256"], let digest = Digest(parsing: "sha256:" + hex), seen.insert(digest).inserted else { continue }
                waiting.append(digest)
            }
        }
        return steps
    }
}
