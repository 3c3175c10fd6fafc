// Reads and cross-checks the files that a proposal names.
private import Contracts
internal import Evidence
internal import Inference
internal import Ports
internal import Primitives
internal import Registry
internal import Releases

/// Parses a proposal's files from the artifact store and refuses those that contradict one another (promise 5 among them).
struct ReleaseFiles: Sendable {
    let artifacts: any ArtifactStore
    let parser: any DocumentParser

    func policy(_ digest: Digest) async throws(DeskError) -> ReleasePolicy {
        try await read(digest, file: "policy.yaml") { node throws(DocumentError) in try ReleasePolicy.read(node) }
    }

    func decisionService(_ digest: Digest) async throws(DeskError) -> DecisionService {
        try await read(digest, file: "decision.yaml") { node throws(DocumentError) in try DecisionService.read(node) }
    }

    /// Checks everything that can be known before evidence is looked at.
    func check(_ proposal: Proposal, model: Registration?, isFirst: Bool, trust: TrustRoot) async throws(DeskError) {
        let policy = try await policy(proposal.policy)
        guard policy.name == proposal.service else {
            throw DeskError(.invalid, rule: "invalid", "policy.yaml is the policy of '\(policy.name)' and the release is of '\(proposal.service)'; give the policy of that service")
        }
        if policy.proposalNeeds.contains("reason"), proposal.reason.isEmpty {
            throw DeskError(.invalid, rule: "invalid", "the policy asks for a reason; add --reason '…'")
        }
        if policy.proposalNeeds.contains("expected_change"), (proposal.expectedChange ?? "").isEmpty {
            throw DeskError(.invalid, rule: "invalid", "the policy asks what the release is expected to change; add --expected-change '…'")
        }
        let barred = Set([proposal.proposer, model?.author].compactMap { $0 })
        if let shortfall = ApprovalTally.shortfall(policy.approvals, trust: trust, without: barred) {
            throw DeskError(.invalid, rule: "policy", "the policy can never be met: \(shortfall); ask for fewer, or let somebody else propose")
        }
        let service = try await decisionService(proposal.decision)
        guard service.name == proposal.service else {
            throw DeskError(.invalid, rule: "invalid", "decision.yaml defines '\(service.name)' and the release is of '\(proposal.service)'")
        }
        let request = try await read(proposal.request, file: service.input) { node throws(DocumentError) in try DataContract.read(node) }
        guard request.columns.contains(where: { $0.name == service.entity }) else {
            throw DeskError(.invalid, rule: "invalid", "the entity '\(service.entity)' of decision.yaml is no column of \(service.input); add it or name another")
        }
        guard let model else { return }
        if let misfit = RolloutFit.misfit(policy, service, request, isFirst: isFirst, expecting: proposal.expectedRates ?? [:]) {
            throw DeskError(.invalid, rule: "policy", misfit)
        }
        guard model.version.model == service.model else {
            throw DeskError(.invalid, rule: "invalid", "decision.yaml decides with '\(service.model)' and the release names \(model.version)")
        }
        let training = try await read(model.contract, file: "the training contract") { node throws(DocumentError) in try DataContract.read(node) }
        let weakenings = try signature(of: training).map { weakening(of: $0, by: request) } ?? []
        if let first = weakenings.first {
            throw DeskError(.invalid, rule: "contract", "the request contract weakens what the model was trained on: \(first); tighten \(service.input)")
        }
    }

    /// What a registration says about its files must be true of them.
    func check(_ registration: Registration) async throws(DeskError) {
        guard registration.format == "lightgbm" else {
            throw DeskError(.invalid, rule: "invalid", "models of format '\(registration.format.prefix(40))' are not built yet; this version serves lightgbm")
        }
        do throws(ArtifactError) {
            guard try await artifacts.contains(registration.artifact) else {
                throw ArtifactError(.missing, "the model \(registration.artifact.short) is not in the artifact store; upload it first", digest: registration.artifact)
            }
        } catch { throw DeskError(error) }
        let training = try await read(registration.contract, file: "the training contract") { node throws(DocumentError) in try DataContract.read(node) }
        guard try signature(of: training)?.digest == registration.signature else {
            throw DeskError(.invalid, rule: "contract", "the signature that was signed is not the one that the training contract gives; register again with this contract")
        }
    }

    private func signature(of contract: DataContract) throws(DeskError) -> ModelSignature? {
        do { return try ModelSignature(trainingContract: contract) } catch { throw DeskError(.invalid, rule: "contract", "\(error)") }
    }

    private func read<Value>(_ digest: Digest, file: String, _ body: (DocumentNode) throws(DocumentError) -> Value) async throws(DeskError) -> Value {
        let bytes: [UInt8]
        do { bytes = try await artifacts.read(digest, limit: Limits.documentBytes) } catch { throw DeskError(error) }
        do { return try body(try parser.parse(bytes, file: file)) } catch {
            throw DeskError(.invalid, rule: "document", error.description)
        }
    }
}

extension DeskError {
    init(_ error: ArtifactError) {
        switch error.code {
        case .missing, .tooLarge: self.init(.invalid, rule: "artifact", error.message)
        case .damaged: self.init(.damaged, rule: "artifact", error.message)
        default: self.init(.unavailable, rule: "artifact", error.message)
        }
    }
}
