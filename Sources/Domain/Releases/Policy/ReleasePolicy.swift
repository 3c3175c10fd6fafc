// policy.yaml: what a release needs before and while it answers.
package import Guardrails
package import Primitives

/// One bound on one metric of an evaluation.
package struct MetricCriterion: Hashable, Sendable, Codable {
    package enum Bound: Hashable, Sendable, Codable {
        case atLeast(Double)
        case atMost(Double)
    }

    package var metric: String
    package var bound: Bound

    package var spelled: String {
        switch bound {
        case .atLeast(let least): "\(metric) at least \(least)"
        case .atMost(let most): "\(metric) at most \(most)"
        }
    }

    package func isMet(by value: Double) -> Bool {
        switch bound {
        case .atLeast(let least): value >= least
        case .atMost(let most): value <= most
        }
    }
}

package struct ApprovalRule: Hashable, Sendable, Codable {
    package var role: Role
    package var count: Int

    package init(role: Role, count: Int) {
        self.role = role
        self.count = count
    }
}

package struct ReleasePolicy: Hashable, Sendable {
    package struct EvaluationRule: Hashable, Sendable {
        package var maxAge: Duration
        package var criteria: [MetricCriterion]
    }

    package var name: ServiceName
    /// What a proposal must say: `reason`, `expected_change`.
    package var proposalNeeds: [String]
    package var evaluation: EvaluationRule?
    /// The longest that going back may take in the rehearsal.
    package var rehearsedWithin: Duration?
    package var approvals: [ApprovalRule]
    package var exposure: [ExposureStep]
    /// What holds for the release that follows the fallback, with which no model compares; `nil` where nothing else does.
    package var firstRelease: FirstRelease?
    package var clock: PolicyClock
    /// There where a step before live is planned.
    package var guardrails: GuardrailPolicy?
    package var autonomy: Autonomy
    package var escalation: Escalation?

    package struct FirstRelease: Hashable, Sendable {
        package var criteria: [MetricCriterion]
        package var exposure: [ExposureStep]
    }

    package static func read(_ node: DocumentNode) throws(DocumentError) -> ReleasePolicy {
        var fields = try node.fields()
        let name: ServiceName = try fields.need("policy").name()
        let clock: PolicyClock = if let clock = fields.take("clock") { try clock.choice() } else { .wall }
        let needs = try readProposal(fields.take("proposal"))
        var evidence = try fields.need("evidence").fields()
        let evaluation = try readEvaluation(evidence.take("evaluation"))
        let reversibility = try readReversibility(evidence.take("reversibility"))
        for key in ["known_decisions", "scenarios", "parity", "operational", "reproduction"] {
            try evidence.refuseUnbuilt(key, because: "this version has the validators evaluation and reversibility")
        }
        try evidence.finish()
        let approvals = try readApprovals(fields.need("approval"))
        let plan = try fields.need("exposure")
        let exposure = try ExposureStep.readPlan(plan)
        try fields.refuseUnbuilt("signals", because: "this version reads no signals of data sources")
        let guardrails = try readGuardrails(&fields, exposure, plan.place)
        let first = try readFirstRelease(fields.take("first_release"), isEvaluated: evaluation != nil)
        let autonomy: Autonomy = if let autonomy = fields.take("autonomy") { try readAutonomy(autonomy) } else { .cautious }
        let escalation: Escalation? = if let escalate = fields.take("escalate") { try readEscalation(escalate, approvals) } else { nil }
        try fields.finish()
        return ReleasePolicy(
            name: name, proposalNeeds: needs, evaluation: evaluation, rehearsedWithin: reversibility, approvals: approvals, exposure: exposure,
            firstRelease: first, clock: clock, guardrails: guardrails, autonomy: autonomy, escalation: escalation)
    }

    private static func readProposal(_ node: DocumentNode?) throws(DocumentError) -> [String] {
        guard let node else { return [] }
        var fields = try node.fields()
        var needs: [String] = []
        for item in try fields.need("requires").list() {
            let text = try item.text()
            guard text == "reason" || text == "expected_change" else {
                throw DocumentError("a proposal can require reason and expected_change, not '\(text.prefix(60))'", at: item.place)
            }
            needs.append(text)
        }
        try fields.finish()
        return needs
    }

    private static func readEvaluation(_ node: DocumentNode?) throws(DocumentError) -> EvaluationRule? {
        guard let node else { return nil }
        var fields = try node.fields()
        let maxAge = try fields.need("max_age").duration()
        let criteria = try readCriteria(fields.need("criteria"))
        try fields.finish()
        return EvaluationRule(maxAge: maxAge, criteria: criteria)
    }

    static func readCriteria(_ list: DocumentNode) throws(DocumentError) -> [MetricCriterion] {
        var criteria: [MetricCriterion] = []
        for item in try list.list() { criteria.append(try readCriterion(item)) }
        guard !criteria.isEmpty else { throw DocumentError("an evaluation needs at least one criterion", at: list.place) }
        return criteria
    }

    private static func readCriterion(_ node: DocumentNode) throws(DocumentError) -> MetricCriterion {
        var fields = try node.fields()
        let metric = try fields.need("metric").text()
        for key in ["not_worse_than", "margin", "slice", "minimum"] {
            try fields.refuseUnbuilt(key, because: "criteria are absolute bounds in this version")
        }
        let least = fields.take("at_least"), most = fields.take("at_most")
        let bound: MetricCriterion.Bound
        switch (least, most) {
        case (let least?, nil): bound = .atLeast(try least.number())
        case (nil, let most?): bound = .atMost(try most.number())
        default: throw DocumentError("a criterion has one bound: write either at_least or at_most", at: node.place)
        }
        try fields.finish()
        return MetricCriterion(metric: metric, bound: bound)
    }

    private static func readReversibility(_ node: DocumentNode?) throws(DocumentError) -> Duration? {
        guard let node else { return nil }
        var fields = try node.fields()
        let within = try fields.need("rehearsed_within").duration()
        try fields.finish()
        return within
    }

    private static func readApprovals(_ node: DocumentNode) throws(DocumentError) -> [ApprovalRule] {
        var rules: [ApprovalRule] = []
        for item in try node.list() {
            var fields = try item.fields()
            let role: Role = try fields.need("role").name()
            let count = try fields.need("count").integer(in: 1...20)
            try fields.finish()
            guard !rules.contains(where: { $0.role == role }) else { throw DocumentError("the role '\(role)' stands twice", at: item.place) }
            rules.append(ApprovalRule(role: role, count: count))
        }
        guard !rules.isEmpty else { throw DocumentError("a policy needs at least one approval", at: node.place) }
        return rules
    }
}
