// Everything that is told of one release, gathered before it is drawn.
internal import Guardrails
package import Ports
package import Primitives
package import Registry
internal import Releases

/// What the control plane answered about a release. Values go in, and lines or a page come out: nothing here asks anybody, or trusts what it is given.
package struct ReleaseStory: Sendable {
    package var release: ReleaseView
    /// `nil` where nothing is known of its rollout.
    package var rollout: RolloutView?
    package var lineage: LineageView?
    /// What was measured about its model.
    package var evaluations: [Evaluation]
    package var written: Instant
    let spec: ReleaseSpec?

    package init(release: ReleaseView, rollout: RolloutView?, lineage: LineageView? = nil, evaluations: [Evaluation] = [], written: Instant) {
        self.release = release
        self.rollout = rollout
        self.lineage = lineage
        self.evaluations = evaluations
        self.written = written
        spec = release.specBytes.flatMap { try? ReleaseSpec.read($0.bytes) }
    }

    /// The digest of the bytes that were sent, not the one that was said of them.
    var specDigest: Digest? { release.specBytes.map { Digest.of($0.bytes) } ?? release.spec }

    /// Steps with something to show, oldest first.
    var compared: [RolloutView.Step] { rollout?.steps.filter { !$0.points.isEmpty } ?? [] }

    /// In the policy's order; what the spec does not name comes last, by name.
    var signals: [String] {
        let known = spec?.rollout?.guardrails.map(\.signal.description) ?? []
        let seen = Set(compared.flatMap { $0.points.flatMap { $0.findings.map(\.signal) } })
        return known.filter(seen.contains) + seen.subtracting(known).sorted()
    }

    func series(_ signal: String) -> GuardrailSeries {
        let samples = compared.flatMap { step in
            step.points.compactMap { point in
                point.findings.first { $0.signal == signal }.map {
                    GuardrailSeries.Sample(clock: point.clock, count: point.count, step: step.index, share: step.share, finding: $0)
                }
            }
        }
        let rule = spec?.rollout?.guardrails.first { $0.signal.description == signal }
        var expected = 0.0
        if case .rate(let outcome)? = rule?.signal { expected = spec?.rollout?.expectedRates[outcome.text] ?? 0 }
        return GuardrailSeries(signal: signal, rule: rule, expected: expected, samples: samples)
    }

    /// What people signed, oldest first.
    var deeds: [SignedDeed] { release.history.compactMap(\.signed) }

    func deadline(of step: RolloutView.Step) -> String? {
        step.deadline.map { "until \($0.minute) on the \(spec?.rollout?.clock == .replay ? "replay clock" : "wall clock")" }
    }

    /// After a rollback: what the release had decided, and how long its answers went on after the breach.
    var ending: [String] {
        guard let rollout, rollout.breach != nil || release.phase == .rolledBack else { return [] }
        var words = ["it answered \(Self.counted(rollout.answered, "decision")) before it was taken back"]
        if let breach = rollout.breach { words.append("harm was plain with the decision answered at \(breach.description)") }
        if let last = rollout.lastAnswered { words.append("its last answer was at \(last.description)") }
        if let between = rollout.breachToLastMilliseconds { words.append("from the breach to the last answer: \(between) ms") }
        return words
    }

    static func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}

extension Instant {
    /// `2013-06-30 12:00`.
    var minute: String { String(description.prefix(16)).replacing("T", with: " ") }
    var second: String { String(description.prefix(19)).replacing("T", with: " ") }
}
