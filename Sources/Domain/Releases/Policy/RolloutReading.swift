// The parts of policy.yaml that steer a rollout.
internal import Guardrails
internal import Primitives

extension ReleasePolicy {
    static func readGuardrails(_ fields: inout DocumentFields, _ exposure: [ExposureStep], _ place: SourcePlace) throws(DocumentError) -> GuardrailPolicy? {
        let guardrails = fields.take("guardrails"), undecided = fields.take("on_undecided")
        guard exposure.count > 1 else {
            if let written = guardrails ?? undecided {
                throw DocumentError("guardrails watch shadow and canary steps, and this plan has none; add steps or leave them out", at: written.place)
            }
            return nil
        }
        guard let guardrails else { throw DocumentError("a plan with shadow or canary steps needs guardrails, or nobody would notice harm; add 'guardrails:'", at: place) }
        return try GuardrailPolicy.read(guardrails: guardrails, undecided: undecided)
    }

    static func readFirstRelease(_ node: DocumentNode?, isEvaluated: Bool) throws(DocumentError) -> FirstRelease? {
        guard let node else { return nil }
        var fields = try node.fields()
        let criteria = try readCriteria(fields.need("criteria"))
        guard isEvaluated else { throw DocumentError("criteria are measured by an evaluation; add 'evidence: { evaluation: … }'", at: node.place) }
        let exposure: [ExposureStep] = if let plan = fields.take("exposure") { try ExposureStep.readPlan(plan) } else { [.live] }
        try fields.finish()
        guard exposure == [.live] else {
            throw DocumentError("the fallback answers without a model, so nothing compares with it: the first release's plan is '- { live: true }'", at: node.place)
        }
        return FirstRelease(criteria: criteria, exposure: exposure)
    }

    static func readAutonomy(_ node: DocumentNode) throws(DocumentError) -> Autonomy {
        var fields = try node.fields()
        let alone = try readDeeds(fields.take("alone")), persons = try readDeeds(fields.take("needs_person"))
        var upTo = 0.0
        if let most = fields.take("expand_up_to") {
            upTo = try most.number()
            guard upTo > 0, upTo < 1 else { throw DocumentError("expand_up_to is a share above 0 and below 1; live is the deed 'promote'", at: most.place) }
            guard alone.contains(.expand) else { throw DocumentError("expand_up_to bounds what is done alone; add expand to 'alone', or leave it out", at: most.place) }
        } else if alone.contains(.expand) {
            throw DocumentError("say how far the controller expands alone; add 'expand_up_to: 0.25'", at: node.place)
        }
        try fields.finish()
        if let both = alone.first(where: persons.contains) { throw DocumentError("'\(both.rawValue)' is done alone or by a person, not both", at: node.place) }
        for deed in [Autonomy.Deed.pause, .rollback] where !alone.contains(deed) {
            throw DocumentError("'\(deed.rawValue)' lowers exposure, which waits for nobody; add it to 'alone'", at: node.place)
        }
        return Autonomy(alone: alone, expandUpTo: upTo, needsPerson: persons)
    }

    private static func readDeeds(_ node: DocumentNode?) throws(DocumentError) -> [Autonomy.Deed] {
        guard let node else { return [] }
        var deeds: [Autonomy.Deed] = []
        for item in try node.list() {
            let deed = try item.choice(Autonomy.Deed.self)
            guard !deeds.contains(deed) else { throw DocumentError("'\(deed.rawValue)' stands twice; keep one", at: item.place) }
            deeds.append(deed)
        }
        return deeds
    }

    static func readEscalation(_ node: DocumentNode, _ approvals: [ApprovalRule]) throws(DocumentError) -> Escalation {
        var fields = try node.fields()
        let to = try fields.need("to")
        let role: Role = try to.name()
        let after = try fields.need("after")
        let span = try after.duration()
        try fields.finish()
        guard span >= .seconds(1), span <= .seconds(ExposureStep.mostSeconds) else { throw DocumentError("people need at least a second; write such as 30m", at: after.place) }
        guard approvals.contains(where: { $0.role == role }) else {
            throw DocumentError("whoever is asked must be able to answer: '\(role)' approves nothing here; name a role of 'approval'", at: to.place)
        }
        return Escalation(to: role, after: span)
    }

    /// What steers a release under this policy; `nil` where it goes live in one step.
    package func rollout(_ exposure: [ExposureStep], maturesAfter: Duration, expectedRates: [String: Double]) -> RolloutTerms? {
        guard let guardrails, exposure.count > 1 else { return nil }
        return RolloutTerms(
            clock: clock, guardrails: guardrails.rules, undecided: guardrails.undecided, autonomy: autonomy, escalation: escalation, maturesAfter: maturesAfter,
            expectedRates: expectedRates)
    }
}
