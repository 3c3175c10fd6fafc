// What became of decisions, taken by any node.
internal import Decisions
internal import Inference
internal import Ports
internal import Primitives

/// Checks outcomes against what the services here expect, and hands them to the log. Without HTTP, as decisions are.
struct OutcomeAnswering {
    let current: CurrentSnapshot
    let records: NodeRecords?
    let clock: any WallClock

    /// `followUp` gets what guardrails want to know once the outcomes are kept.
    func answer(_ body: UnsafeRawBufferPointer, followUp: inout FollowUp?) -> Answer {
        guard records != nil else { return .reply(.refusal(503, "this node has no decision log, so it takes no outcomes; its log says why")) }
        let submissions: [OutcomeSubmission]
        do { submissions = try OutcomeSubmission.read(body) } catch { return .reply(.refusal(400, error.message)) }
        let now = clock.now()
        let slots = current.value.slots
        var payloads: [[UInt8]] = []
        var truths: [Truth] = []
        for (index, submission) in submissions.enumerated() {
            guard let terms = slots[submission.service]?.champion.service.outcome else {
                return .reply(.refusal(400, "outcome \(index + 1): '\(submission.service)' expects no outcome here; \(expected)"))
            }
            guard submission.at <= now.adding(.seconds(60)) else { return .reply(.refusal(400, "outcome \(index + 1) is of the future: 'at' is when it became true")) }
            guard let record = OutcomeRecord(decision: submission.decision, name: terms.name, value: submission.value, at: submission.at, received: now) else {
                return .reply(.refusal(400, "outcome \(index + 1) has a number that is none"))
            }
            payloads.append(record.encoded)
            if slots[submission.service]?.exposure != nil, case .truth(let value) = submission.value { truths.append(Truth(decision: submission.decision, value: value)) }
        }
        if !truths.isEmpty { followUp = .outcomes(truths) }
        return .afterDurable(payloads, .outcome, Reply(status: 200, body: Array("{\"kept\":\(payloads.count)}".utf8)))
    }

    private var expected: String {
        let known = current.value.slots.filter { $0.value.champion.service.outcome != nil }.keys.sorted().map(\.text)
        return known.isEmpty ? "no service here does" : "those that do are \(known.joined(separator: ", "))"
    }
}
