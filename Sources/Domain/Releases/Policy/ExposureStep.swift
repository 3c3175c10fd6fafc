// The plan of a rollout: which share of the traffic a release gets, step by step.
internal import Primitives

/// What a step needs before the next.
package struct StepNeeds: Hashable, Sendable, Codable {
    /// The candidate's own matured decisions; in shadow, the requests that it scored.
    package var decisions: Int
    /// Whole seconds on the policy's clock, after which undecided is not waited for any more.
    package var deadlineSeconds: Int64

    package var deadline: Duration { .seconds(deadlineSeconds) }

    package init(decisions: Int, deadline: Duration) {
        self.decisions = decisions
        deadlineSeconds = deadline.components.seconds
    }

    /// One decision within a day: what a step needs at the very least.
    package static let least = StepNeeds(decisions: 1, deadline: .seconds(86_400))
}

/// One step of the plan: which share of the traffic the release may answer while it is on this step.
package enum ExposureStep: Hashable, Sendable {
    /// The share of requests that the candidate scores after the champion answered.
    case shadow(Double, StepNeeds = .least)
    case canary(Double, StepNeeds = .least)
    case live

    /// The share of answered requests; a shadow answers none.
    package var share: Double {
        switch self {
        case .shadow: 0
        case .canary(let share, _): share
        case .live: 1
        }
    }

    /// `nil` for live, which nothing follows.
    package var needs: StepNeeds? {
        switch self {
        case .shadow(_, let needs), .canary(_, let needs): needs
        case .live: nil
        }
    }

    /// `shadow`, `canary 5 %`, `live`.
    package var spelled: String {
        switch self {
        case .shadow(let share, _): share == 1 ? "shadow" : "shadow \(Self.percent(share))"
        case .canary(let share, _): "canary \(Self.percent(share))"
        case .live: "live"
        }
    }

    private static func percent(_ share: Double) -> String {
        let tenths = Int((share * 1000).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
    }
}

extension ExposureStep: Codable {
    private enum Key: CodingKey { case kind, share, needs }
    private enum Kind: String, Codable { case shadow, canary, live }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .shadow(let share, let needs): try Self.encode(.shadow, share, needs, to: &container)
        case .canary(let share, let needs): try Self.encode(.canary, share, needs, to: &container)
        case .live: try container.encode(Kind.live, forKey: .kind)
        }
    }

    private static func encode(_ kind: Kind, _ share: Double, _ needs: StepNeeds, to container: inout KeyedEncodingContainer<Key>) throws {
        try container.encode(kind, forKey: .kind)
        try container.encode(share, forKey: .share)
        try container.encode(needs, forKey: .needs)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let kind = try container.decode(Kind.self, forKey: .kind)
        guard kind != .live else {
            self = .live
            return
        }
        let share = try container.decode(Double.self, forKey: .share), needs = try container.decode(StepNeeds.self, forKey: .needs)
        guard share > 0, share <= 1, needs.decisions >= 1, needs.deadlineSeconds >= 1, needs.deadlineSeconds <= Self.mostSeconds else {
            throw DecodingError.dataCorruptedError(forKey: .share, in: container, debugDescription: "a step has a share above 0, decisions, and a deadline of at most ten years")
        }
        self = kind == .shadow ? .shadow(share, needs) : .canary(share, needs)
    }

    static let mostSeconds: Int64 = 10 * 366 * 86_400
}

extension ExposureStep {
    /// Shadows, then growing canaries, then live, which may stand alone.
    static func readPlan(_ node: DocumentNode) throws(DocumentError) -> [ExposureStep] {
        var steps: [ExposureStep] = []
        let items = try node.list()
        guard items.count <= 20 else { throw DocumentError("a plan has at most 20 steps, and this one has \(items.count); drop some", at: node.place) }
        for item in items {
            let step = try read(item)
            if let last = steps.last, !(last.order < step.order) {
                throw DocumentError("'\(step.spelled)' cannot follow '\(last.spelled)': a plan only ever gives more, shadow first, then canary, then live", at: item.place)
            }
            steps.append(step)
        }
        guard steps.last == .live else { throw DocumentError("a plan ends with '- { live: true }'; without it the release could never replace the champion", at: node.place) }
        return steps
    }

    private var order: (Int, Double) {
        switch self {
        case .shadow(let share, _): (0, share)
        case .canary(let share, _): (1, share)
        case .live: (2, 1)
        }
    }

    private static func read(_ node: DocumentNode) throws(DocumentError) -> ExposureStep {
        var fields = try node.fields()
        let shadow = fields.take("shadow"), canary = fields.take("canary"), live = fields.take("live")
        switch (shadow, canary, live) {
        case (nil, nil, let live?):
            guard try live.bool() else { throw DocumentError("write 'live: true' or leave the step out", at: live.place) }
            try fields.finish()
            return .live
        case (let share?, nil, nil), (nil, let share?, nil):
            let value = try share.number()
            guard value > 0, shadow != nil ? value <= 1 : value < 1 else {
                throw DocumentError("a share lies above 0 and \(shadow != nil ? "at most" : "below") 1, and \(share.kind) does not; 0.05 means five in a hundred", at: share.place)
            }
            let needs = try readNeeds(&fields)
            try fields.finish()
            return shadow != nil ? .shadow(value, needs) : .canary(value, needs)
        default: throw DocumentError("a step is one of 'shadow: 1.0', 'canary: 0.05' and 'live: true'", at: node.place)
        }
    }

    private static func readNeeds(_ fields: inout DocumentFields) throws(DocumentError) -> StepNeeds {
        let decisions = try fields.need("decisions").integer(in: 1...1_000_000_000)
        let deadline = try fields.need("deadline")
        let span = try deadline.duration()
        guard span >= .seconds(1), span <= .seconds(mostSeconds) else {
            throw DocumentError("a deadline is a time from 1s to ten years, and \(deadline.kind) is not; 4d is four days", at: deadline.place)
        }
        return StepNeeds(decisions: decisions, deadline: span)
    }
}
