// A whole installation's ledger, from its genesis to a release that was taken back, really signed.
import Evidence
import Primitives
import Registry
import Releases
import TestKit

/// Ada proposes, Ben and Cleo approve; the fallback, two releases, a rollback to the first, and a third that is aborted.
struct LedgerLife: Sendable {
    struct Step: Sendable {
        var label: String
        var record: LedgerRecord
    }

    let world: World
    let fallback: MadeRelease
    let first: MadeRelease
    let second: MadeRelease
    let third: MadeRelease
    private(set) var steps: [Step] = []

    init() throws {
        world = try World()
        fallback = try world.approved(world.draft(0) { $0.plan([.live]) })
        let baseline = fallback.digest
        first = try world.approved(world.draft(1, model: Self.models[1], baseline: baseline) { $0.plan([.live]) })
        let before = first.digest
        second = try world.approved(world.draft(2, model: Self.models[2], baseline: before) { $0.plan([.live]) })
        third = try world.draft(3, baseline: before) { $0.plan([.live]) }
        try addBeginning()
        try addFirst()
        try addSecond()
        try addEnd()
    }

    static let models = ["", "0.5 0 0", "0.6 0 0", "0.7 0 0"]

    var records: [LedgerRecord] { steps.map(\.record) }

    /// The ledger's entries, with salts that tell them apart.
    var entries: [LedgerEntry] { steps.indices.map { steps[$0].record.entry(salt: [UInt8](repeating: UInt8($0), count: 16)) } }

    func index(_ label: String) throws -> Int { try required(steps.firstIndex { $0.label == label }, "a step '\(label)'") }

    /// Made once: the same bytes every time, and the states that they fold to.
    static let once: Result<(life: LedgerLife, states: [SystemState]), any Error> = Result {
        let life = try LedgerLife()
        return (life, try life.states())
    }

    /// The state before each step, and after the last.
    private func states() throws -> [SystemState] {
        var state = SystemState()
        return try [state]
            + records.map { record in
                try state.apply(record)
                return state
            }
    }

    static func at(_ second: Int) -> Instant { World.now.adding(.seconds(second)) }

    static func order(_ generation: Int) -> TableOrder { TableOrder(epoch: 1, generation: generation) }

    private var now: Instant { Self.at(steps.count) }

    private mutating func add(_ label: String, _ record: LedgerRecord) { steps.append(Step(label: label, record: record)) }

    private mutating func add(_ made: MadeRelease, _ event: ReleaseEvent) {
        let kind = event.kind.dropFirst("release.".count)
        let count = steps.count { $0.label.hasPrefix("\(made.spec.proposal.number) \(kind)") }
        add("\(made.spec.proposal.number) \(kind)" + (count > 0 ? " again" : ""), .release(made.spec.release, event))
    }

    private mutating func addBeginning() throws {
        add("genesis", .trustRoot(world.trustEnvelope, at: now))
        add("version 1", .registered(try world.signed(try world.registration(1, model: Self.models[1])), at: now))
        add("evaluation 1", .evidence(try world.signed(world.evaluation(Self.models[1]).statement), at: now))
        try addApproved(fallback, preparing: 1)
        add("table 1", .routing(try world.table(1, champion: fallback), at: now))
        add(fallback, .exposed(step: 0, order: Self.order(1), at: now))
        add("active 1", .observed(try world.observed(.active, fallback, generation: 1), at: now))
        add(fallback, .live(at: now))
    }

    private mutating func addApproved(_ made: MadeRelease, preparing generation: Int) throws {
        add(made, .proposed(made.bundle.proposal, at: now))
        if made.spec.proposal.number > 0 {
            let model = Self.models[made.spec.proposal.number], baseline = try required(made.spec.baseline, "a baseline")
            add("rehearsal \(made.spec.proposal.number)", .evidence(try world.signed(world.rehearsal(model, baseline: baseline).statement), at: now))
        }
        add(made, .sealed(spec: made.bundle.spec, at: now))
        for approval in made.bundle.approvals { add(made, .approved(approval, at: now)) }
        add(made, .preparing(order: Self.order(generation), at: now))
    }

    private mutating func addFirst() throws {
        try addApproved(first, preparing: 2)
        add("table 2", .routing(try world.table(2, champion: fallback, preparing: first), at: now))
        add("rehearsed 2", .observed(try world.observed(.rehearsed, first, generation: 2), at: now))
        add("table 3", .routing(try world.table(3, champion: first, standby: fallback), at: now))
        add(first, .exposed(step: 0, order: Self.order(3), at: now))
        add("active 3", .observed(try world.observed(.active, first, generation: 3), at: now))
        add(first, .live(at: now))
        add(fallback, .superseded(by: first.spec.release, at: now))
    }

    private mutating func addSecond() throws {
        add("version 2", .registered(try world.signed(try world.registration(2, model: Self.models[2])), at: now))
        add("evaluation 2", .evidence(try world.signed(world.evaluation(Self.models[2]).statement), at: now))
        try addApproved(second, preparing: 4)
        add("table 4", .routing(try world.table(4, champion: first, standby: fallback, preparing: second), at: now))
        add("rehearsed 4", .observed(try world.observed(.rehearsed, second, generation: 4), at: now))
        add("table 5", .routing(try world.table(5, champion: second, standby: first), at: now))
        add(second, .exposed(step: 0, order: Self.order(5), at: now))
        add("active 5", .observed(try world.observed(.active, second, generation: 5), at: now))
        add(second, .live(at: now))
        add(first, .superseded(by: second.spec.release, at: now))
    }

    private mutating func addEnd() throws {
        add("table 6", .routing(try world.table(6, champion: first, standby: second), at: now))
        add(second, .rolledBack(.order(try world.stop(.rollback, second, by: "cleo")), order: Self.order(6), at: now))
        add(first, .reinstated(order: Self.order(6), at: now))
        add("active 6", .observed(try world.observed(.active, first, generation: 6), at: now))
        add("version 3", .registered(try world.signed(try world.registration(3)), at: now))
        add(third, .proposed(third.bundle.proposal, at: now))
        add(third, .aborted(.controller(reason: "no evidence came"), at: now))
        var root = world.trust
        root.version = 2
        root.expires = root.expires.adding(.seconds(86_400))
        add("second root", .trustRoot(Envelope(signing: root, as: TrustRoot.payloadType, by: [try key(1), try key(3)]), at: now))
    }
}
