// A release under way: shown, promoted, paused, resumed, and told in a file.
import ArgumentParser
import ControlPlaneClient
import Evidence
import Foundation
import Inference
import Ports
import Primitives
@preconcurrency import Rainbow
import Registry
import ReleaseStories
import Releases

extension ReleaseCommand {
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows one release: plan, guardrails over time, people, evidence, history.",
            discussion: """
                The step that it is on is drawn in full, each guardrail with its interval over time and the margin where harm begins; steps before it in a line a guardrail.

                  penstock release show rebooking-offer-1
                  penstock release show rebooking-offer-1 --every-step
                  penstock release show rebooking-offer-1 --output json     the release, and its rollout under 'rollout'
                """)
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The release's id.") var release: ReleaseID
        @Flag(help: "Draw the guardrails of every step, not only of the newest.") var everyStep = false

        func run() async throws {
            let view = try await connection.withClient { try await $0.release(release) }
            // Without its comparisons a release is still worth seeing.
            var rollout: RolloutView?, failure: (any Error)?
            do { rollout = try await connection.withClient { try await $0.rollout(of: release) } } catch { failure = error }
            switch output.output {
            case .json: print(Terminal.escaped(json: String(decoding: StrictJSON.encode(ShownRelease(release: view, rollout: rollout)), as: UTF8.self)))
            case .table:
                for line in ReleaseStory(release: view, rollout: rollout, written: SystemClock().now()).lines(everyStep: everyStep) { print(line.coloured) }
            }
            if let failure { throw failure }
        }
    }

    struct Promote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Signs that a release goes on to the next step of its plan.",
            discussion: """
                The order is bound to the exact spec and to that one step. It is refused while a guardrail does not allow it. Whoever approves may promote; the proposer and the \
                model's author may not.

                  penstock release promote rebooking-offer-1 --key cleo.key --reason 'four days without harm'
                """)
        @OptionGroup var advance: AdvanceOptions
        @OptionGroup var output: OutputOptions

        func run() async throws { ReleaseCommand.show(try await advance.send(.promote), output) }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Signs that a paused or overdue step goes on.",
            discussion: """
                Harm that was found must be accepted by name, by a person who has looked at it; it then counts for this step no more.

                  penstock release resume rebooking-offer-1 --key cleo.key --reason 'the complaints were about luggage'
                  penstock release resume rebooking-offer-1 --key cleo.key --reason 'meant to' --accept rate.offer --accept decision_flips
                  penstock release resume rebooking-offer-1 --key cleo.key --reason 'a slow week' --extend 2d
                """)
        @OptionGroup var advance: AdvanceOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "A guardrail whose harm you have looked at and accept, such as decision_flips; may be repeated.") var accept: [String] = []
        @Option(help: "How much longer the step may be undecided, such as 2d.") var extend: String?

        func run() async throws {
            var more = Duration.zero
            if let extend {
                guard let span = Duration(parsing: extend), span >= .seconds(1), span.wholeMilliseconds % 1000 == 0 else {
                    throw Failure.badInput("'\(extend)' is no time to extend a step by; write whole seconds, minutes, hours or days, such as 30m, 6h or 2d")
                }
                more = span
            }
            ReleaseCommand.show(try await advance.send(.resume, accepting: accept, more: more), output)
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes a release's share of the traffic for now; it is compared on.",
            discussion:
                "Anyone in the trust root may. A person resumes it, or rolls it back.\n\n  penstock release pause rebooking-offer-1 --key fay.key --reason 'complaints from JFK'")
        @OptionGroup var stop: StopOptions
        @OptionGroup var output: OutputOptions

        func run() async throws { ReleaseCommand.show(try await stop.send(.pause), output) }
    }

    struct DossierCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "dossier", abstract: "Writes a release's whole story to one HTML file.",
            discussion: """
                The page needs nothing else: no script, no other file, no network. It tells what the control plane answered; the proof is 'penstock ledger verify'.

                  penstock release dossier rebooking-offer-1 --to rebooking-offer-1.html
                  penstock release dossier rebooking-offer-1 --to rebooking-offer-1.html --force
                """)
        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "The release's id.") var release: ReleaseID
        @Option(help: "The file to write; it must not exist.") var to: String
        @Flag(help: "Replace the file if it exists.") var force = false

        func run() async throws {
            // Asked first, so that nobody waits for a page that cannot be kept.
            if !force { try Files.requireAbsent([to]) }
            let story = try await connection.withClient { client in
                let view = try await client.release(release)
                let rollout = try await client.rollout(of: release)
                guard let version = view.proposal.model else { return ReleaseStory(release: view, rollout: rollout, written: SystemClock().now()) }
                return ReleaseStory(
                    release: view, rollout: rollout, lineage: try await client.lineage(of: version), evaluations: try await client.modelVersion(version).evaluations,
                    written: SystemClock().now())
            }
            let page = Array(Dossier(story, program: "penstock \(programVersion)").html.utf8)
            try Files.write(page, to: to, replacing: force)
            print("Wrote \(page.count) bytes to \(to); open it in any browser.")
        }
    }
}

/// A release as it is, with its rollout under one more key.
private struct ShownRelease: Encodable {
    var release: ReleaseView
    var rollout: RolloutView?

    private enum Key: CodingKey { case rollout }

    func encode(to encoder: any Encoder) throws {
        try release.encode(to: encoder)
        var container = encoder.container(keyedBy: Key.self)
        try container.encodeIfPresent(rollout, forKey: .rollout)
    }
}

extension StoryLine {
    /// Colours only where a person looks.
    var coloured: String {
        parts.map { part in
            switch part.tone {
            case .plain: part.text
            case .strong: part.text.bold
            case .faint: part.text.dim
            case .good: part.text.green
            case .bad: part.text.red
            case .doubtful: part.text.yellow
            }
        }.joined()
    }
}

/// A signed order that gives a release more traffic.
struct AdvanceOptions: ParsableArguments {
    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "The release's id.") var release: ReleaseID
    @Option(help: "Your private key file.") var key: String
    @Option(help: "Why.") var reason: String

    func send(_ action: AdvanceOrder.Action, accepting: [String] = [], more: Duration = .zero) async throws -> ReleaseView {
        let signer = try Signer(key: key, home: connection.home.resolved)
        return try await connection.withClient { client in
            let view = try await client.release(release)
            guard view.phase == .exposed else {
                throw Failure.badInput("\(release) is \(view.phase.rawValue), so it is on no step that could be promoted or resumed")
            }
            // An await of its own: see the note in the control plane's Handlers.
            let rollout = try await client.rollout(of: release)
            let envelope = try order(action, view, on: rollout.step ?? 0, accepting, more, signer)
            return try await client.advance(envelope, release: release)
        }
    }

    private func order(
        _ action: AdvanceOrder.Action, _ view: ReleaseView, on current: Int, _ accepting: [String], _ more: Duration, _ signer: Signer
    ) throws -> Envelope {
        guard let bytes = view.specBytes?.bytes else { throw Failure.refused("\(release) has no spec to sign for\(view.ending.map { ": " + $0 } ?? "")") }
        // Signed is what these bytes digest to, not what the server calls it.
        let spec = try ReleaseSpec.read(bytes)
        guard spec.release == release else { throw Failure.refused("the control plane sent the spec of \(spec.release) for \(release)") }
        let known = spec.rollout?.guardrails.map(\.signal.description) ?? []
        if let wrong = accepting.first(where: { !known.contains($0) }) {
            throw Failure.badInput("\(release) has no guardrail '\(wrong)' to accept; its guardrails are \(known.isEmpty ? "none" : known.joined(separator: ", "))")
        }
        let step = action == .promote ? current + 1 : current
        guard spec.exposure.indices.contains(step) else { throw Failure.badInput("\(release) is on the last step of its plan; nothing follows") }
        let order = AdvanceOrder(
            system: signer.trust.system, environment: signer.trust.environment, release: release, spec: Digest.of(bytes), action: action, step: step, accepting: accepting,
            extensionSeconds: more.components.seconds, reason: reason, person: signer.person.id, signed: SystemClock().now())
        return Envelope(signing: order, as: AdvanceOrder.payloadType, by: [signer.key])
    }
}

/// `rate.offer=+0.02`: which outcome's rate a release means to move, and by how much.
struct ExpectedRate {
    var outcome: String
    var change: Double

    init(parsing text: String) throws {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].hasPrefix("rate."), let outcome = OutcomeName(parts[0].dropFirst(5)) else {
            throw Failure.badInput("'\(text)' names no rate to expect; write the outcome and its change, such as --expect rate.offer=+0.02")
        }
        guard let change = Double(parts[1]), change.isFinite, change != 0, abs(change) < 1 else {
            throw Failure.badInput("'\(parts[1])' is no change of \(parts[0]); it lies between -1 and 1 and is not 0: +0.02 means two more in a hundred")
        }
        self.outcome = outcome.text
        self.change = change
    }

    /// `nil` where nothing is expected.
    static func all(_ texts: [String]) throws -> [String: Double]? {
        var rates: [String: Double] = [:]
        for text in texts {
            let rate = try ExpectedRate(parsing: text)
            guard rates.updateValue(rate.change, forKey: rate.outcome) == nil else { throw Failure.badInput("rate.\(rate.outcome) is expected twice; say one change") }
        }
        return rates.isEmpty ? nil : rates
    }
}
