// The guardrails of policy.yaml: what they say, and one sentence with its line for whatever they may not say.
import Guardrails
import Primitives
import Testing
import YAMLDocuments

@Suite struct GuardrailPolicyTests {
    private static func read(_ text: String) throws(DocumentError) -> GuardrailPolicy {
        var fields = try YAMLDocumentParser().parse(Array(text.utf8), file: "policy.yaml").fields()
        let undecided = fields.take("on_undecided")
        return try GuardrailPolicy.read(guardrails: fields.need("guardrails"), undecided: undecided)
    }

    private static func expect(_ text: String, _ sentence: String) {
        let error = #expect(throws: DocumentError.self) { _ = try read(text) }
        #expect(error?.description == sentence)
    }

    /// DESIGN's own sample.
    @Test func theSampleIsRead() throws {
        let policy = try Self.read(
            """
            guardrails:
              - { signal: errors,           harm: { more_by: 0.01 },  alpha: 0.01, then: rollback }
              - { signal: over_budget,      budget: 5ms, harm: { more_by: 0.02 }, alpha: 0.01, then: rollback }
              - { signal: decision_flips,   paired: true, harm: { more_than: 0.10 }, alpha: 0.01, then: pause }
              - { signal: rate.offer,       paired: true, harm: { differs_by: 0.05 }, alpha: 0.01, then: pause }
              - { signal: outcome.accuracy, paired: true, harm: { less_by: 0.02 }, alpha: 0.01, prove: true, then: rollback }
            on_undecided: [pause, ask, abort]
            """)
        #expect(
            policy.rules == [
                GuardrailRule(signal: .errors, harm: .moreBy(0.01), alpha: 0.01, then: .rollback),
                GuardrailRule(signal: .overBudget(.milliseconds(5)), harm: .moreBy(0.02), alpha: 0.01, then: .rollback),
                GuardrailRule(signal: .decisionFlips, harm: .moreThan(0.10), alpha: 0.01, then: .pause),
                GuardrailRule(signal: .rate(GuardrailRule.offer), harm: .differsBy(0.05), alpha: 0.01, then: .pause),
                GuardrailRule(signal: .outcomeAccuracy, harm: .lessBy(0.02), alpha: 0.01, proves: true, then: .rollback),
                .standingSampleRatio,
            ])
        #expect(policy.undecided == [.pause, .ask, .abort])
        #expect(policy.rules.map(\.signal.comparesWithChampion) == [true, true, true, true, true, false])
    }

    @Test func whatMayBeWrittenOtherwise() throws {
        let policy = try Self.read(
            """
            guardrails:
              - { signal: sample_ratio, alpha: 0.2, then: rollback, paired: false, prove: false }
              - { signal: rate.none, paired: true, harm: { less_by: 0.1 }, alpha: 1e-6, then: pause }
              - { signal: rate.offer, paired: true, harm: { more_by: 0.1 }, alpha: 0.05, then: pause }
            """)
        #expect(policy.rules.map(\.harm) == [.uneven, .lessBy(0.1), .moreBy(0.1)] && policy.undecided == [.pause, .ask, .abort])
        #expect(policy.rules[0] == GuardrailRule(signal: .sampleRatio, harm: .uneven, alpha: 0.2, then: .rollback))
        for moves in ["[abort]", "[pause, abort]", "[ask, abort]"] {
            #expect(throws: Never.self) { _ = try Self.read("guardrails: [\(Self.good)]\non_undecided: \(moves)") }
        }
    }

    private static let good = "{ signal: errors, harm: { more_by: 0.01 }, alpha: 0.01, then: rollback }"

    /// One guardrail on the second line, with a field changed.
    private static func one(
        signal: String = "errors", harm: String? = "{ more_by: 0.01 }", alpha: String? = "0.01", then: String? = "rollback", more: String = ""
    ) -> String {
        let fields = ["signal: \(signal)", harm.map { "harm: \($0)" }, alpha.map { "alpha: \($0)" }, then.map { "then: \($0)" }].compactMap { $0 }
        return "guardrails:\n  - { \(fields.joined(separator: ", "))\(more) }"
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var sentence: String
        init(_ text: String, _ sentence: String) { (testDescription, self.sentence) = (text, "policy.yaml:2: " + sentence) }
    }

    private static let known = "signal, budget, paired, harm, alpha, prove, then"
    private static let watched = "a guardrail watches sample_ratio, errors, over_budget, decision_flips, rate.OUTCOME or outcome.accuracy, not"

    static let refused: [Refused] = [
        // Signals.
        Refused(one(signal: "latency"), "\(watched) 'latency'"), Refused(one(signal: "Errors"), "\(watched) 'Errors'"),
        Refused(one(signal: "outcome.revenue"), "\(watched) 'outcome.revenue'"), Refused(one(signal: "[errors]"), "expected text here, found a list"),
        Refused(one(signal: "rate."), "rate. needs the name of an outcome of the rule: \(Identifier<DecidedOutcome>.refusal(of: ""))"),
        Refused(one(signal: "rate.Offer"), "rate. needs the name of an outcome of the rule: \(Identifier<DecidedOutcome>.refusal(of: "Offer"))"),
        Refused("guardrails:\n  - { harm: { more_by: 0.01 }, alpha: 0.01, then: pause }", "'signal' is missing; add it"),
        Refused("guardrails:\n  - errors", "expected a map of keys and values here, found 'errors'"),
        // Budgets.
        Refused(one(signal: "over_budget"), "over_budget needs its budget; add 'budget: 5ms'"),
        Refused(one(signal: "over_budget", more: ", budget: 0ms"), "a budget of no time is never kept; write one such as 5ms"),
        Refused(one(signal: "over_budget", more: ", budget: 5"), "expected a span of time such as 250ms, 10s, 20m, 6h or 7d here, found '5'"),
        Refused(one(more: ", budget: 5ms"), "only over_budget has a budget; leave it out of errors"),
        // Pairs.
        Refused(one(more: ", paired: true"), "errors is about the arm that answered, so it has no pairs; leave 'paired' out"),
        Refused(one(signal: "decision_flips"), "decision_flips is compared in pairs, both arms scoring the same requests; write 'paired: true'"),
        Refused(one(signal: "rate.offer", more: ", paired: false"), "rate.offer is compared in pairs, both arms scoring the same requests; write 'paired: true'"),
        Refused(one(more: ", paired: yes"), "expected true or false here, found 'yes'"),
        // Harm.
        Refused(one(harm: nil), "'harm' is missing; add 'harm: { more_by: 0.02 }'"),
        Refused(one(harm: "{}"), "harm is one bound, and none is written; write 'harm: { more_by: 0.02 }'"),
        Refused(one(harm: "0.01"), "expected a map of keys and values here, found '0.01'"),
        Refused(one(harm: "{ more_by: 0.01, less_by: 0.02 }"), "harm is one bound, not more_by and less_by; write 'harm: { more_by: 0.02 }'"),
        Refused(one(harm: "{ less_by: 0.01 }"), "the harm of errors is written more_by, not less_by"),
        Refused(one(signal: "decision_flips", harm: "{ more_by: 0.1 }", more: ", paired: true"), "the harm of decision_flips is written more_than, not more_by"),
        Refused(one(signal: "outcome.accuracy", harm: "{ more_by: 0.1 }", more: ", paired: true"), "the harm of outcome.accuracy is written less_by, not more_by"),
        Refused(
            one(signal: "rate.offer", harm: "{ more_than: 0.1 }", more: ", paired: true"),
            "the harm of rate.offer is written differs_by or more_by or less_by, not more_than"),
        Refused(one(harm: "{ moreby: 0.01 }"), "unknown key 'moreby'; did you mean 'more_by'?"),
        Refused(one(harm: "{ more_by: 0 }"), "a bound of harm is a share above 0 and below 1, and '0' is not; 0.02 means two in a hundred"),
        Refused(one(harm: "{ more_by: 2 }"), "a bound of harm is a share above 0 and below 1, and '2' is not; 0.02 means two in a hundred"),
        Refused(one(harm: "{ more_by: -0.1 }"), "a bound of harm is a share above 0 and below 1, and '-0.1' is not; 0.02 means two in a hundred"),
        Refused(one(harm: "{ more_by: .nan }"), "expected a number here, found '.nan'"),
        Refused(one(harm: "{ more_by: 2% }"), "expected a number here, found '2%'"),
        Refused(one(signal: "sample_ratio"), "the harm of sample_ratio is any other split than the assigned one; leave 'harm' out"),
        // The rest.
        Refused(one(alpha: nil), "'alpha' is missing; add it"),
        Refused(one(alpha: "0"), "alpha lies above 0 and at most 0.2, and '0' does not; 0.01 is usual"),
        Refused(one(alpha: "0.21"), "alpha lies above 0 and at most 0.2, and '0.21' does not; 0.01 is usual"),
        Refused(one(alpha: "-0.01"), "alpha lies above 0 and at most 0.2, and '-0.01' does not; 0.01 is usual"),
        Refused(one(alpha: "low"), "expected a number here, found 'low'"),
        Refused(one(then: nil), "'then' is missing; add it"),
        Refused(one(then: "ignore"), "expected one of pause, rollback here, found 'ignore'"),
        Refused(one(more: ", prove: 1"), "expected true or false here, found '1'"),
        Refused(one(signal: "sample_ratio", harm: nil, more: ", prove: true"), "an even split cannot be proved, only contradicted; leave 'prove' out of sample_ratio"),
        Refused(one(more: ", slice: each"), "unknown key 'slice'; known here: \(known)"),
        Refused(one(alpha: nil, more: ", alhpa: 0.01"), "'alpha' is missing; rename 'alhpa' if it is meant"),
    ]

    @Test(arguments: refused) func aMistakeIsOneSentenceWithItsLine(_ test: Refused) { Self.expect(test.testDescription, test.sentence) }

    @Test func listsAreLists() {
        Self.expect("guardrails: []", "policy.yaml:1: a list of guardrails holds at least one; add one or leave 'guardrails' out")
        Self.expect("guardrails: {}", "policy.yaml:1: expected a list here, found a map")
        Self.expect("guardrails:\n  - \(Self.good)\n  - \(Self.good)", "policy.yaml:3: the guardrail 'errors' stands twice; keep one")
        let many = (0...50).map { "  - { signal: rate.r\($0), paired: true, harm: { more_by: 0.1 }, alpha: 0.01, then: pause }" }.joined(separator: "\n")
        Self.expect("guardrails:\n\(many)", "policy.yaml:2: a policy holds at most 50 guardrails, and this one has 51; drop some")
    }

    @Test(arguments: [
        ("[pause, ask]", "undecided is never success; let on_undecided end with abort"), ("[]", "undecided is never success; let on_undecided end with abort"),
        ("[ask, pause, abort]", "'pause' cannot follow 'ask'; the order is pause, ask, abort, each at most once"),
        ("[pause, pause, abort]", "'pause' cannot follow 'pause'; the order is pause, ask, abort, each at most once"),
        ("[abort, pause]", "'pause' cannot follow 'abort'; the order is pause, ask, abort, each at most once"),
        ("[pause, promote]", "expected one of pause, ask, abort here, found 'promote'"), ("abort", "expected a list here, found 'abort'"),
    ]) func undecidedIsNeverSuccess(moves: String, sentence: String) {
        Self.expect("guardrails: [\(Self.good)]\non_undecided: \(moves)", "policy.yaml:2: " + sentence)
    }
}
