// Releases, from a proposal to the way back.
import ArgumentParser
import ControlPlaneClient
import Evidence
import Ports
import Primitives
import Registry
import Releases

struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Proposes, approves, watches and takes back changes of a live decision.", discussion: "  penstock release list",
        subcommands: [
            Propose.self, List.self, Show.self, DossierCommand.self, Approve.self, Reject.self, Promote.self, Pause.self, Resume.self, Abort.self, Rollback.self,
        ])

    struct Propose: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Proposes a model version, or the fallback, as the next release of a decision service.",
            discussion: """
                The files are uploaded and named by their digests; the proposal is signed with your key.

                  penstock release propose --fallback --key ada.key --reason 'the first champion' --expected-change 'none'
                  penstock release propose flight-delay@1 --key ada.key --reason 'first model' --expected-change 'offers rise to 8 %'
                  penstock release propose flight-delay@2 --key ada.key --reason 'less cautious' --expect rate.offer=+0.02
                """)
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The model version, such as flight-delay@1.") var model: ModelVersionID?
        @Flag(help: "Propose the service's fallback, which has no model: release 0.") var fallback = false
        @Option(help: "Your private key file.") var key: String
        @Option(help: "Why.") var reason: String
        @Option(help: "What you expect to change: signal, direction, amount.") var expectedChange: String?
        @Option(help: "A rate that the release means to move, and by how much, such as rate.offer=+0.02; may be repeated. Its guardrail is centred there.")
        var expect: [String] = []
        @Option(help: "The decision service's file; its input contract is found from it.") var decision = "decision.yaml"
        @Option(help: "The release policy's file.") var policy = "policy.yaml"

        func run() async throws {
            guard fallback != (model != nil) else { throw Failure.badInput("name a model version, or say --fallback") }
            let rates = try ExpectedRate.all(expect)
            let signer = try Signer(key: key, home: connection.home.resolved)
            let files = try ServiceFiles(decision: decision, policy: policy)
            let view = try await connection.withClient { client in
                for file in files.uploads { try await client.upload(file.bytes, as: file.digest) }
                let releases = try await client.releases().filter { $0.proposal.service == files.service.name }
                // Number 0 is kept for the fallback, so that the first model of a service is told to wait for one.
                let next = (releases.map(\.proposal.number).max() ?? -1) + 1
                let proposal = try Proposal(
                    system: signer.trust.system, environment: signer.trust.environment, service: files.service.name,
                    number: model == nil ? next : max(next, 1), model: model, decision: files.decision.digest, request: files.request.digest,
                    policy: files.policy.digest, reason: reason, expectedChange: expectedChange, expectedRates: rates, proposer: signer.person.id, proposed: SystemClock().now())
                return try await client.propose(Envelope(signing: proposal, as: Proposal.payloadType, by: [signer.key]))
            }
            show(view, output)
            if view.phase == .refused { throw Failure.refused("\(view.id) was refused: \(view.ending ?? "a criterion failed")") }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists all releases.", discussion: "  penstock release list --output json")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let views = try await connection.withClient { try await $0.releases() }
            output.show(
                views, columns: ["release", "model", "phase", "proposed by", "changed", "note"],
                rows: views.map {
                    [$0.id.text, $0.proposal.model?.description ?? "fallback", $0.phase.rawValue, $0.proposal.proposer.text, $0.changed.description, $0.ending ?? $0.missing]
                },
                empty: "No release yet; begin with 'penstock release propose --fallback'.")
        }
    }

    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Signs the exact spec of a release with your key.",
            discussion: "The spec's digest is recomputed on your side from the bytes you sign for.\n\n  penstock release approve rebooking-offer-1 --role reviewer --key ben.key")
        @OptionGroup var answer: AnswerOptions
        @OptionGroup var output: OutputOptions

        func run() async throws { show(try await answer.send(.approve), output) }
    }

    struct Reject: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Rejects a release for good.", discussion: "  penstock release reject rebooking-offer-1 --role reviewer --key ben.key --reason 'slice JFK is worse'")
        @OptionGroup var answer: AnswerOptions
        @OptionGroup var output: OutputOptions

        func run() async throws { show(try await answer.send(.reject), output) }
    }

    struct Abort: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a release before it is live.", discussion: "  penstock release abort rebooking-offer-2 --key ada.key --reason 'wrong file'")
        @OptionGroup var stop: StopOptions
        @OptionGroup var output: OutputOptions

        func run() async throws { show(try await stop.send(.abort), output) }
    }

    struct Rollback: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Puts the warm predecessor back at once.", discussion: "  penstock release rollback rebooking-offer-1 --key cleo.key --reason 'complaints from JFK'")
        @OptionGroup var stop: StopOptions
        @OptionGroup var output: OutputOptions

        func run() async throws { show(try await stop.send(.rollback), output) }
    }

    static func show(_ view: ReleaseView, _ output: OutputOptions) {
        if output.output == .table {
            print("\(view.id)  \(view.phase.rawValue.bold)  \(view.proposal.model?.description ?? "fallback")  spec \(view.spec?.short ?? "not sealed")")
            print(Terminal.clean("  \(view.proposal.proposer): \(view.proposal.reason)"))
            if !view.missing.isEmpty { print("  must still sign: \(view.missing)") }
            if let ending = view.ending { print(Terminal.clean("  \(ending)")) }
            for approval in view.approvals { print("  \(approval.answer.rawValue) by \(approval.person) as \(approval.role), \(approval.signed)") }
        }
        output.show(
            view, columns: ["validator", "criterion", "verdict"], rows: view.results.map { [$0.validator, $0.criterion, $0.verdict.rawValue] },
            empty: "  no criteria: a fallback needs none")
        if output.output == .table { for line in view.history { print(Terminal.clean("  entry \(line.index)  \(line.at)  \(line.kind)\(line.detail.map { "  " + $0 } ?? "")")) } }
    }
}

private func show(_ view: ReleaseView, _ output: OutputOptions) { ReleaseCommand.show(view, output) }

/// A person's answer to a sealed spec.
struct AnswerOptions: ParsableArguments {
    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "The release's id.") var release: ReleaseID
    @Option(help: "The role in which you answer.") var role: Role
    @Option(help: "Your private key file.") var key: String
    @Option(help: "Why; needed for a rejection.") var reason: String?

    func send(_ answer: Approval.Answer) async throws -> ReleaseView {
        guard answer == .approve || reason != nil else { throw Failure.badInput("a rejection says why; add --reason '…'") }
        let signer = try Signer(key: key, home: connection.home.resolved)
        return try await connection.withClient { client in
            let view = try await client.release(release)
            guard let bytes = view.specBytes?.bytes else {
                throw Failure.refused("\(release) is \(view.phase.rawValue) and has no spec to sign\(view.ending.map { ": " + $0 } ?? "")")
            }
            // Signed is what these bytes digest to, not what the server calls it.
            let spec = try ReleaseSpec.read(bytes)
            guard spec.release == release else { throw Failure.refused("the control plane sent the spec of \(spec.release) for \(release)") }
            let approval = Approval(
                system: signer.trust.system, environment: signer.trust.environment, release: release, spec: Digest.of(bytes), role: role, person: signer.person.id,
                answer: answer, reason: reason ?? "", signed: SystemClock().now())
            return try await client.answer(Envelope(signing: approval, as: Approval.payloadType, by: [signer.key]), release: release)
        }
    }
}

/// A signed order that lowers exposure.
struct StopOptions: ParsableArguments {
    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "The release's id.") var release: ReleaseID
    @Option(help: "Your private key file.") var key: String
    @Option(help: "Why.") var reason: String

    func send(_ action: StopOrder.Action) async throws -> ReleaseView {
        let signer = try Signer(key: key, home: connection.home.resolved)
        let order = StopOrder(
            system: signer.trust.system, environment: signer.trust.environment, release: release, action: action, reason: reason, person: signer.person.id,
            signed: SystemClock().now())
        return try await connection.withClient { try await $0.stop(Envelope(signing: order, as: StopOrder.payloadType, by: [signer.key]), release: release) }
    }
}
