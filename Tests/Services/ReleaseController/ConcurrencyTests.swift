// Many at once: one winner for each step, and a ledger that holds what was acknowledged and no more.
import Evidence
import Ports
import Primitives
import Registry
import ReleaseController
import Releases
import TestKit
import Testing

@Suite struct ConcurrencyTests {
    private static let many = 64

    /// How each of the calls, all begun at once, ended: `nil` for done.
    private func race(_ calls: [@Sendable () async throws -> Void]) async throws -> [DeskError?] {
        try await withThrowingTaskGroup(of: (Int, DeskError?).self) { group in
            for (index, call) in calls.enumerated() {
                group.addTask {
                    do { try await call() } catch let error as DeskError { return (index, error) }
                    return (index, nil)
                }
            }
            var ends = [DeskError?](repeating: nil, count: calls.count)
            for try await (index, end) in group { ends[index] = end }
            return ends
        }
    }

    private func expect(_ ends: [DeskError?], winners: Int, losers: Set<String>, _ place: SourceLocation = #_sourceLocation) {
        #expect(ends.count { $0 == nil } == winners, "\(ends.compactMap { $0?.message }.prefix(3))", sourceLocation: place)
        #expect(Set(ends.compactMap { $0.map { "\($0.category.rawValue) \($0.rule)" } }).isSubset(of: losers), sourceLocation: place)
    }

    private static let late: Set = ["conflict order", "conflict phase"]

    /// The same proposal, sent by all at once, to one control plane or by turns to two.
    @Test(arguments: [1, 2]) func oneProposalIsTaken(_ planes: Int) async throws {
        let desk = try await Harness()
        try await desk.fallback()
        try await desk.register(1)
        let desks = planes == 1 ? [desk.controller] : [desk.controller, try await desk.reopened()]
        let before = try await desk.size, proposal = try desk.installation.proposal(1, model: 1, at: desk.now())
        let ends = try await race((0..<Self.many).map { index in { _ = try await desks[index % planes].propose(proposal) } })
        expect(ends, winners: 1, losers: Self.late)
        try await desk.settle(desks[planes - 1])
        let kinds = try await desk.kinds(from: before)
        // The loop of one control plane and its commands rehearse once; two control planes may each have begun.
        let once = ["release.proposed", "evidence.recorded", "release.sealed"]
        if planes == 1 { #expect(desk.probe.look { $0.rehearsals } == 1) }
        #expect(kinds == once || planes == 2 && kinds == ["release.proposed", "evidence.recorded", "evidence.recorded", "release.sealed"])
    }

    /// Everybody who may, and many who may not, sign at once and again.
    @Test(arguments: [1, 2]) func eachPersonSignsOnce(_ planes: Int) async throws {
        let desk = try await Harness()
        try await desk.fallback()
        try await desk.register(1)
        let release = try await desk.propose(1, model: 1)
        let desks = planes == 1 ? [desk.controller] : [desk.controller, try await desk.reopened()]
        let answers = [
            try desk.answer(release), try desk.answer(release, as: .riskOwner, by: "cleo"), try desk.answer(release, by: "dan"), try desk.answer(release, by: "ben", key: key(3)),
        ]
        let before = try await desk.size
        let ends = try await race((0..<Self.many).map { index in { _ = try await desks[index / 4 % planes].answer(answers[index % 4], release: release.id) } })
        expect(ends, winners: 2, losers: Self.late.union(["forbidden four-eyes", "forbidden authority"]))
        for desk in desks { try await desk.keeper.refresh() }
        try await desk.settle(desks[planes - 1])
        try await desk.phase(.preparing, of: release, on: desks[planes - 1])
        #expect(try await desk.kinds(from: before) == ["release.approved", "release.approved", "release.preparing", "routing.table"])
    }

    /// The last approval, a rejection and aborts race for one release. However it ends, the ledger tells one story of it.
    @Test(arguments: 0..<4) func oneEndIsTaken(_ seed: Int) async throws {
        let desk = try await Harness()
        try await desk.fallback()
        try await desk.register(1)
        let release = try await desk.propose(1, model: 1), installation = desk.installation, id = release.id
        _ = try await desk.controller.answer(desk.answer(release), release: id)
        let approval = try desk.answer(release, as: .riskOwner, by: "cleo"), rejection = try desk.answer(release, saying: .reject, as: .riskOwner, by: "eve")
        let abort = try installation.order(.abort, id, at: desk.now()), before = try await desk.size
        var dice = SeededGenerator(seed: UInt64(seed))
        let kinds = (0..<Self.many).map { $0 % 3 }.shuffled(using: &dice)
        let ends = try await race(
            kinds.map { kind in
                {
                    switch kind {
                    case 0: _ = try await desk.controller.answer(approval, release: id)
                    case 1: _ = try await desk.controller.answer(rejection, release: id)
                    default: _ = try await desk.controller.stop(abort, release: id)
                    }
                }
            })
        let won = Set(zip(kinds, ends).filter { $0.1 == nil }.map(\.0)), written = try await desk.kinds(from: before).filter { $0 != "routing.table" }
        #expect(ends.count { $0 == nil } == won.count, "one order was taken twice")
        expect(ends, winners: won.count, losers: Self.late.union(["forbidden four-eyes"]))
        // What the controller itself did, `preparing`, nobody had to ask for.
        #expect(written.filter { $0 != "release.preparing" }.count == won.count, "\(written) for \(won)")
        #expect(written.count { $0 == "release.rejected" || $0 == "release.aborted" } <= 1)
        _ = try await desk.reopened()
    }

    @Test func oneRollbackIsTaken() async throws {
        let desk = try await Harness()
        let fallback = try await desk.fallback(), release = try await desk.live(1, model: 1), before = try await desk.size
        let orders = try ["ada", "ben", "cleo", "viv"].map { try desk.installation.order(.rollback, release.id, by: $0, at: desk.now()) }
        let ends = try await race((0..<Self.many).map { index in { _ = try await desk.controller.stop(orders[index % 4], release: release.id) } })
        expect(ends, winners: 1, losers: Self.late)
        #expect(try await desk.kinds(from: before) == ["routing.table", "release.rolled-back", "release.reinstated"])
        try await desk.phase(.live, of: fallback)
    }

    /// Orders, answers, reports and both control planes' own work at once: the ledger has what was acknowledged, and folding it gives both their state.
    @Test(arguments: 0..<4) func promise12_underLoadStateIsTheFold(_ seed: Int) async throws {
        let desk = try await Harness()
        try await desk.fallback()
        let live = try await desk.live(1, model: 1), waiting = try await desk.preparing(2, model: 2)
        for model in 3...4 { try await desk.register(model) }
        let other = try await desk.reopened(), before = try await desk.size
        let proposals = try [3, 4].map { try desk.installation.proposal(3, model: $0, at: desk.now()) }
        let abort = try desk.installation.order(.abort, waiting.id, at: desk.now()), rollback = try desk.installation.order(.rollback, live.id, at: desk.now())
        var rehearsals: [Envelope] = []
        for node in 1...desk.installation.nodes.count { rehearsals.append(try await desk.observation(.rehearsed, waiting, on: node)) }
        var dice = SeededGenerator(seed: UInt64(seed))
        let kinds = (0..<Self.many * 2).map { $0 % 6 }.shuffled(using: &dice)
        let ends = try await race(
            kinds.enumerated().map { [rehearsals] index, kind in
                {
                    let plane = index % 2 == 0 ? desk.controller : other
                    switch kind {
                    case 0: _ = try await plane.propose(proposals[index / 2 % 2])
                    case 1: _ = try await plane.stop(abort, release: waiting.id)
                    case 2: _ = try await plane.stop(rollback, release: live.id)
                    case 3: _ = try await plane.observe(rehearsals[index / 2 % rehearsals.count])
                    default: _ = try await plane.pass()
                    }
                }
            })
        for plane in [desk.controller, other] { try await desk.settle(plane) }
        for plane in [desk.controller, other] { try await plane.keeper.refresh() }
        var state = SystemState()
        for stored in try await desk.ledger.entries(from: 0, limit: .max) { try state.apply(stored.entry) }
        #expect(await desk.controller.keeper.state == state)
        #expect(await other.keeper.state == state)
        for head in try await desk.ledger.heads(prefix: "") { #expect(state.summary(of: head.stream.text) == head.body && state.revisions[head.stream.text] == head.revision) }
        let written = try await desk.kinds(from: before), done = zip(kinds, ends).filter { $0.1 == nil }.map(\.0)
        for (kind, entry) in [(0, "release.proposed"), (2, "release.rolled-back")] { #expect(done.count { $0 == kind } == written.count { $0 == entry }, "\(written)") }
        // Every report may come before every order: then the waiting release answers, and both orders come too late. Whatever else comes first, no order
        // is lost to it; and after the rollback the controller aborts by itself what was measured against the release that is gone.
        let isTaken = written.contains("release.exposed")
        #expect(done.count { $0 == 1 } <= 1 && written.count { $0 == "release.aborted" } == (isTaken ? 0 : 1), "\(written)")
        #expect(done.contains(0) && done.contains(2) == !isTaken, "\(written)")
        expect(ends, winners: ends.count { $0 == nil }, losers: Self.late)
    }

    /// Versions are numbered without a gap, whoever is first.
    @Test func versionsAreNumberedInOrder() async throws {
        let desk = try await Harness()
        let registrations = try (0..<Self.many).map { try desk.installation.registration($0 % 4 + 1, at: desk.now()) }
        let other = try await desk.reopened()
        let ends = try await race((0..<Self.many).map { index in { _ = try await (index % 2 == 0 ? desk.controller : other).register(registrations[index]) } })
        let taken = ends.count { $0 == nil }
        expect(ends, winners: taken, losers: Self.late)
        #expect(try await desk.size == 1 + taken && taken >= 1)
        for plane in [desk.controller, other] { try await plane.keeper.refresh() }
        #expect(try await desk.controller.modelVersions().map(\.registration.version.number) == Array(1...taken))
        #expect(await desk.controller.keeper.state == other.keeper.state)
    }
}
