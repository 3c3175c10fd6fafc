// policy.yaml: what it says, and one sentence with its line for whatever it may not say.
import Primitives
import Releases
import TestKit
import Testing

@Suite struct PolicyReadingTests {
    /// Fifteen lines; each test replaces one.
    private static let lines = """
        policy: rebooking-offer
        proposal: { requires: [reason, expected_change] }
        evidence:
          evaluation:
            max_age: 7d
            criteria:
              - { metric: auc, at_least: 0.7 }
              - { metric: log_loss, at_most: 0.5 }
          reversibility:
            rehearsed_within: 250ms
        approval:
          - { role: reviewer, count: 1 }
          - { role: risk-owner, count: 20 }
        exposure:
          - { live: true }
        """.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)

    private static func text(_ line: Int, _ replacement: String) -> String {
        var lines = lines
        lines[line - 1] = replacement
        return lines.joined(separator: "\n")
    }

    @Test func aPolicyIsRead() throws {
        let policy = try World.policy(Self.lines.joined(separator: "\n"))
        #expect(policy.name.text == "rebooking-offer" && policy.proposalNeeds == ["reason", "expected_change"])
        #expect(policy.evaluation?.maxAge == .seconds(7 * 86_400))
        #expect(policy.evaluation?.criteria.map(\.spelled) == ["auc at least 0.7", "log_loss at most 0.5"])
        #expect(policy.evaluation?.criteria.map(\.bound) == [.atLeast(0.7), .atMost(0.5)])
        #expect(policy.rehearsedWithin == .milliseconds(250))
        #expect(policy.approvals.map(\.role) == [.reviewer, .riskOwner] && policy.approvals.map(\.count) == [1, 20])
        #expect(policy.exposure == [.live] && policy.exposure.map(\.share) == [1])
    }

    @Test func whatMayBeLeftOutMayBeLeftOut() throws {
        let policy = try World.policy("policy: p\nclock: wall\nevidence: {}\napproval: [{ role: reviewer, count: 1 }]\nexposure: [{ live: true }]")
        #expect(policy.proposalNeeds == [] && policy.evaluation == nil && policy.rehearsedWithin == nil && policy.approvals.count == 1)
        #expect(try World.policy(Self.text(2, "proposal: { requires: [] }")).proposalNeeds == [])
    }

    @Test func aStepsShareIsThatOfAnsweredRequests() {
        #expect([ExposureStep.shadow(1), .canary(0.25), .live].map(\.share) == [0, 0.25, 1])
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        var line: Int
        var text: String
        var sentence: String
        var testDescription: String { "\(line): \(text)" }

        init(_ line: Int, _ text: String, _ sentence: String) { (self.line, self.text, self.sentence) = (line, text, sentence) }
    }

    private static let top = "policy, clock, proposal, evidence, approval, exposure, signals, guardrails, on_undecided, first_release, autonomy, escalate"

    static let refused: [Refused] = [
        // The whole.
        Refused(1, "", "policy.yaml:2: 'policy' is missing; add it"),
        Refused(1, "policy: Rebooking", "policy.yaml:1: \(ServiceName.refusal(of: "Rebooking"))"),
        Refused(1, "policy:", "policy.yaml:1: expected text here, found nothing"),
        Refused(1, "policy: [x]", "policy.yaml:1: expected text here, found a list"),
        // Of a key that stands twice, the line is that where its map begins.
        Refused(1, "policy: a\npolicy: b", "policy.yaml:1: the key 'policy' stands twice; keep one"),
        Refused(1, "policy: a\nclock: sundial", "policy.yaml:2: expected one of wall, replay here, found 'sundial'"),
        Refused(1, "policy: a\nclok: wall", "policy.yaml:2: unknown key 'clok'; did you mean 'clock'?"),
        Refused(1, "policy: a\nservice: x", "policy.yaml:2: unknown key 'service'; known here: \(top)"),
        Refused(1, "policy: a\nextends: &base x", "policy.yaml:2: anchors and aliases (& and *) are refused; write the value out"),
        // The proposal.
        Refused(2, "proposal: {}", "policy.yaml:2: 'requires' is missing; add it"),
        Refused(2, "proposal: [reason]", "policy.yaml:2: expected a map of keys and values here, found a list"),
        Refused(2, "proposal: { requires: reason }", "policy.yaml:2: expected a list here, found 'reason'"),
        Refused(2, "proposal: { requires: [reason, ticket] }", "policy.yaml:2: a proposal can require reason and expected_change, not 'ticket'"),
        Refused(2, "proposal: { requires: [], by: ada }", "policy.yaml:2: unknown key 'by'; known here: requires"),
        // The evaluation.
        Refused(5, "", "policy.yaml:6: 'max_age' is missing; add it"),
        Refused(5, "    max_age: 7", "policy.yaml:5: expected a span of time such as 250ms, 10s, 20m, 6h or 7d here, found '7'"),
        Refused(5, "    max_age: -7d", "policy.yaml:5: expected a span of time such as 250ms, 10s, 20m, 6h or 7d here, found '-7d'"),
        Refused(5, "    max_age: 1.5d", "policy.yaml:5: expected a span of time such as 250ms, 10s, 20m, 6h or 7d here, found '1.5d'"),
        Refused(5, "    max_age: 7d\n    max_age: 8d", "policy.yaml:5: the key 'max_age' stands twice; keep one"),
        Refused(5, "    max_age: 7d\n    dataset: x", "policy.yaml:6: unknown key 'dataset'; known here: max_age, criteria"),
        Refused(7, "      - { at_least: 0.7 }", "policy.yaml:7: 'metric' is missing; add it"),
        Refused(7, "      - { metric: [auc], at_least: 0.7 }", "policy.yaml:7: expected text here, found a list"),
        Refused(7, "      - { metric: auc }", "policy.yaml:7: a criterion has one bound: write either at_least or at_most"),
        Refused(7, "      - { metric: auc, at_least: 0.7, at_most: 0.9 }", "policy.yaml:7: a criterion has one bound: write either at_least or at_most"),
        Refused(7, "      - { metric: auc, at_least: 0.7, at_least: 0.8 }", "policy.yaml:7: the key 'at_least' stands twice; keep one"),
        Refused(7, "      - { metric: auc, at_least: high }", "policy.yaml:7: expected a number here, found 'high'"),
        Refused(7, "      - { metric: auc, at_least: \"0.7\" }", "policy.yaml:7: expected a number here, found '0.7'"),
        Refused(7, "      - { metric: auc, at_least: .nan }", "policy.yaml:7: expected a number here, found '.nan'"),
        Refused(7, "      - { metric: auc, at_least: -.inf }", "policy.yaml:7: expected a number here, found '-.inf'"),
        Refused(7, "      - { metric: auc, at_least: nan }", "policy.yaml:7: expected a number here, found 'nan'"),
        Refused(7, "      - { metric: auc, at_least: 1e999 }", "policy.yaml:7: expected a number here, found '1e999'"),
        Refused(7, "      - { metric: auc, at_least: 0x1 }", "policy.yaml:7: expected a number here, found '0x1'"),
        Refused(7, "      - { metric: auc, atleast: 0.7 }", "policy.yaml:7: a criterion has one bound: write either at_least or at_most"),
        Refused(
            7, "      - { metric: auc, at_least: 0.7, above: 0.6 }",
            "policy.yaml:7: unknown key 'above'; known here: metric, not_worse_than, margin, slice, minimum, at_least, at_most"),
        Refused(7, "      - auc", "policy.yaml:7: expected a map of keys and values here, found 'auc'"),
        // The rehearsal.
        Refused(10, "    rehearsed_within: soon", "policy.yaml:10: expected a span of time such as 250ms, 10s, 20m, 6h or 7d here, found 'soon'"),
        Refused(10, "    within: 1s", "policy.yaml:10: 'rehearsed_within' is missing; add it"),
        Refused(10, "    rehearsed_within: 1s\n    times: 3", "policy.yaml:11: unknown key 'times'; known here: rehearsed_within"),
        // The approvals.
        Refused(12, "  - { role: reviewer }", "policy.yaml:12: 'count' is missing; add it"),
        Refused(12, "  - { count: 1 }", "policy.yaml:12: 'role' is missing; add it"),
        Refused(12, "  - { role: Reviewer, count: 1 }", "policy.yaml:12: \(Role.refusal(of: "Reviewer"))"),
        Refused(12, "  - { role: reviewer, count: 0 }", "policy.yaml:12: expected a whole number from 1 to 20 here, found '0'"),
        Refused(12, "  - { role: reviewer, count: -1 }", "policy.yaml:12: expected a whole number from 1 to 20 here, found '-1'"),
        Refused(12, "  - { role: reviewer, count: 21 }", "policy.yaml:12: expected a whole number from 1 to 20 here, found '21'"),
        Refused(12, "  - { role: reviewer, count: 1.5 }", "policy.yaml:12: expected a whole number from 1 to 20 here, found '1.5'"),
        Refused(12, "  - { role: reviewer, count: \"1\" }", "policy.yaml:12: expected a whole number from 1 to 20 here, found '1'"),
        Refused(12, "  - { role: risk-owner, count: 1 }", "policy.yaml:13: the role 'risk-owner' stands twice"),
        Refused(12, "  - { role: reviewer, count: 1, of: 3 }", "policy.yaml:12: unknown key 'of'; known here: role, count"),
        // The exposure.
        Refused(15, "  - { live: false }", "policy.yaml:15: write 'live: true' or leave the step out"),
        Refused(15, "  - { live: \"true\" }", "policy.yaml:15: expected true or false here, found 'true'"),
        Refused(15, "  - { live: yes }", "policy.yaml:15: expected true or false here, found 'yes'"),
        Refused(15, "  - { live: true, at: night }", "policy.yaml:15: unknown key 'at'; known here: shadow, canary, live"),
        Refused(15, "  - { deadline: 2d }", "policy.yaml:15: a step is one of 'shadow: 1.0', 'canary: 0.05' and 'live: true'"),
        Refused(15, "  - { shadow: 1.0, live: true }", "policy.yaml:15: a step is one of 'shadow: 1.0', 'canary: 0.05' and 'live: true'"),
        Refused(15, "  - {}", "policy.yaml:15: a step is one of 'shadow: 1.0', 'canary: 0.05' and 'live: true'"),
        Refused(15, "  - { shadow: 1.0 }", "policy.yaml:15: 'decisions' is missing; add it"),
        Refused(15, "  - { canary: 0.05, decisions: 10 }", "policy.yaml:15: 'deadline' is missing; add it"),
        Refused(15, "  - { canary: 1, decisions: 10, deadline: 2d }", "policy.yaml:15: a share lies above 0 and below 1, and '1' does not; 0.05 means five in a hundred"),
        Refused(15, "  - { shadow: 0, decisions: 10, deadline: 2d }", "policy.yaml:15: a share lies above 0 and at most 1, and '0' does not; 0.05 means five in a hundred"),
        Refused(15, "  - { canary: 0.05, decisions: 0, deadline: 2d }", "policy.yaml:15: expected a whole number from 1 to 1000000000 here, found '0'"),
        Refused(15, "  - { canary: 0.05, decisions: 9, deadline: 10ms }", "policy.yaml:15: a deadline is a time from 1s to ten years, and '10ms' is not; 4d is four days"),
        Refused(
            15, "  - { live: true }\n  - { live: true }",
            "policy.yaml:16: 'live' cannot follow 'live': a plan only ever gives more, shadow first, then canary, then live"),
        Refused(
            15, "  - { canary: 0.25, decisions: 9, deadline: 2d }\n  - { canary: 0.05, decisions: 9, deadline: 2d }",
            "policy.yaml:16: 'canary 5 %' cannot follow 'canary 25 %': a plan only ever gives more, shadow first, then canary, then live"),
        Refused(
            15, "  - { canary: 0.05, decisions: 9, deadline: 2d }",
            "policy.yaml:15: a plan ends with '- { live: true }'; without it the release could never replace the champion"),
        Refused(
            15, "  - { canary: 0.05, decisions: 9, deadline: 2d }\n  - { live: true }",
            "policy.yaml:15: a plan with shadow or canary steps needs guardrails, or nobody would notice harm; add 'guardrails:'"),
        Refused(1, "policy: a\nguardrails: []", "policy.yaml:2: guardrails watch shadow and canary steps, and this plan has none; add steps or leave them out"),
        Refused(1, "policy: a\nautonomy: { alone: [pause, rollback, dance] }", "policy.yaml:2: expected one of pause, rollback, expand, promote here, found 'dance'"),
        Refused(1, "policy: a\nautonomy: { alone: [pause] }", "policy.yaml:2: 'rollback' lowers exposure, which waits for nobody; add it to 'alone'"),
        Refused(1, "policy: a\nautonomy: { alone: [pause, rollback, expand] }", "policy.yaml:2: say how far the controller expands alone; add 'expand_up_to: 0.25'"),
        Refused(
            1, "policy: a\nautonomy: { alone: [pause, rollback], expand_up_to: 0.25 }",
            "policy.yaml:2: expand_up_to bounds what is done alone; add expand to 'alone', or leave it out"),
        Refused(
            1, "policy: a\nautonomy: { alone: [pause, rollback, promote], needs_person: [promote] }", "policy.yaml:2: 'promote' is done alone or by a person, not both"),
        Refused(
            1, "policy: a\nescalate: { to: auditor, after: 30m }",
            "policy.yaml:2: whoever is asked must be able to answer: 'auditor' approves nothing here; name a role of 'approval'"),
        Refused(1, "policy: a\nescalate: { to: reviewer, after: 1ms }", "policy.yaml:2: people need at least a second; write such as 30m"),
        Refused(1, "policy: a\nfirst_release: { criteria: [] }", "policy.yaml:2: an evaluation needs at least one criterion"),
        Refused(
            1, "policy: a\nfirst_release: { criteria: [{ metric: auc, at_least: 0.6 }], exposure: [{ canary: 0.5, decisions: 1, deadline: 1d }, { live: true }] }",
            "policy.yaml:2: the fallback answers without a model, so nothing compares with it: the first release's plan is '- { live: true }'"),
    ]

    @Test(arguments: refused) func aMistakeIsOneSentenceWithItsLine(_ test: Refused) { Self.expect(Self.text(test.line, test.text), test.sentence) }

    /// A key that DESIGN gives a meaning to and this version cannot act on.
    @Test func anUnbuiltPartIsRefused() {
        Self.expect(
            Self.text(1, "policy: a\nsignals: {}"), "policy.yaml:2: 'signals' is not built yet: this version reads no signals of data sources; leave it out")
    }

    @Test func aWholeRolloutIsRead() throws {
        let policy = try World.policy(
            Self.text(
                15,
                """
                  - { shadow: 1.0, decisions: 2000, deadline: 4d }
                  - { canary: 0.05, decisions: 250, deadline: 10d }
                  - { live: true }
                clock: replay
                guardrails:
                  - { signal: decision_flips, paired: true, harm: { more_than: 0.10 }, alpha: 0.01, then: pause }
                on_undecided: [ask, abort]
                autonomy: { alone: [pause, rollback, expand], expand_up_to: 0.25, needs_person: [promote] }
                escalate: { to: risk-owner, after: 30m }
                first_release: { criteria: [{ metric: auc, at_least: 0.6 }] }
                """))
        #expect(
            policy.exposure == [
                .shadow(1, StepNeeds(decisions: 2000, deadline: .seconds(4 * 86_400))), .canary(0.05, StepNeeds(decisions: 250, deadline: .seconds(10 * 86_400))), .live,
            ])
        #expect(policy.exposure.map(\.spelled) == ["shadow", "canary 5 %", "live"])
        #expect(policy.clock == .replay && policy.guardrails?.undecided == [.ask, .abort] && policy.guardrails?.rules.map(\.signal) == [.decisionFlips, .sampleRatio])
        #expect(policy.autonomy.mayTake(policy.exposure[1]) && !policy.autonomy.mayTake(.canary(0.26)) && !policy.autonomy.mayTake(.live))
        #expect(policy.escalation == Escalation(to: .riskOwner, after: .seconds(1800)))
        #expect(policy.firstRelease?.criteria.map(\.spelled) == ["auc at least 0.6"] && policy.firstRelease?.exposure == [.live])
        let terms = try #require(policy.rollout(policy.exposure, maturesAfter: .seconds(3600), expectedRates: ["offer": 0.02]))
        #expect(terms.clock == .replay && terms.maturesAfterSeconds == 3600 && terms.expectedRates == ["offer": 0.02] && terms.patience == .seconds(1800))
        #expect(policy.rollout([.live], maturesAfter: .zero, expectedRates: [:]) == nil)
        // What nobody wrote is cautious.
        let quiet = try World.policy(Self.lines.joined(separator: "\n"))
        #expect(quiet.autonomy == .cautious && !quiet.autonomy.mayTake(.shadow(1)) && quiet.escalation == nil && quiet.clock == .wall)
    }

    @Test(arguments: ["known_decisions", "scenarios", "parity", "operational", "reproduction"]) func anUnbuiltValidatorIsRefused(key: String) {
        Self.expect(
            Self.text(3, "evidence:\n  \(key): {}"),
            "policy.yaml:4: '\(key)' is not built yet: this version has the validators evaluation and reversibility; leave it out")
    }

    @Test(arguments: ["not_worse_than: champion", "margin: 0.002", "slice: each", "minimum: 500"]) func anUnbuiltCriterionIsRefused(text: String) {
        Self.expect(
            Self.text(7, "      - { metric: auc, at_least: 0.7, \(text) }"),
            "policy.yaml:7: '\(text.prefix { $0 != ":" })' is not built yet: criteria are absolute bounds in this version; leave it out")
    }

    @Test func emptyListsAreRefused() {
        func whole(evidence: String = "{}", approval: String = "[{ role: reviewer, count: 1 }]", exposure: String = "[{ live: true }]") -> String {
            "policy: p\nevidence: \(evidence)\napproval: \(approval)\nexposure: \(exposure)"
        }
        Self.expect(whole(evidence: "{ evaluation: { max_age: 7d, criteria: [] } }"), "policy.yaml:2: an evaluation needs at least one criterion")
        Self.expect(whole(approval: "[]"), "policy.yaml:3: a policy needs at least one approval")
        Self.expect(whole(exposure: "[]"), "policy.yaml:4: a plan ends with '- { live: true }'; without it the release could never replace the champion")
        Self.expect(
            whole(evidence: "{ quality: {} }"),
            "policy.yaml:2: unknown key 'quality'; known here: evaluation, reversibility, known_decisions, scenarios, parity, operational, reproduction")
        Self.expect(whole(approval: "{}"), "policy.yaml:3: expected a list here, found a map")
        Self.expect(whole(exposure: "live"), "policy.yaml:4: expected a list here, found 'live'")
        Self.expect("policy: p\nevidence: {}\nexposure: [{ live: true }]", "policy.yaml:1: 'approval' is missing; add it")
        Self.expect("policy: p\nevidence: {}\napproval: [{ role: reviewer, count: 1 }]", "policy.yaml:1: 'exposure' is missing; add it")
        Self.expect("policy: p\napproval: []\nexposure: []", "policy.yaml:1: 'evidence' is missing; add it")
        Self.expect("- policy", "policy.yaml:1: expected a map of keys and values here, found a list")
        Self.expect("", "policy.yaml: the file is empty; write what it is for")
    }

    private static func expect(_ text: String, _ sentence: String) {
        let error = #expect(throws: DocumentError.self) { _ = try World.policy(text) }
        #expect(error?.description == sentence)
    }
}
