// What was meant to be live and what was seen live at an instant.
import Evidence
import Ports
import Primitives
import Registry
import ReleaseController
import Releases
import TestKit
import Testing

@Suite struct LiveTests {
    /// One question at each instant of a whole life, before, at and after each change.
    @Test func promise12_whatWasMeantAndWhatWasSeenAtEachInstant() async throws {
        let desk = try await Harness(), service = desk.installation.services[0]
        let beginning = desk.clock.now()
        let fallback = try await desk.approve(desk.propose(0, model: nil)), meantFallback = desk.clock.now()
        try await desk.controller.observe(desk.observation(.active, fallback, on: 2))
        let seenOnTwo = desk.clock.now()
        try await desk.controller.observe(desk.observation(.active, fallback, on: 1))
        try await desk.settle()
        let seenOnBoth = desk.clock.now()
        let release = try await desk.preparing(1, model: 1), prepared = desk.clock.now()
        try await desk.observe(.rehearsed, release)
        try await desk.settle()
        let exposed = desk.clock.now()
        try await desk.controller.observe(desk.observation(.active, release, on: 1))
        let seenOnOne = desk.clock.now()
        try await desk.controller.observe(desk.observation(.active, release, on: 2))
        try await desk.settle()
        let live = desk.clock.now()
        _ = desk.now()
        try await desk.stop(.rollback, release)
        let back = desk.clock.now()
        try await desk.observe(.active, fallback)
        let end = desk.clock.now()

        func answer(_ instant: Instant) async throws -> String {
            let views = try await desk.controller.live(at: instant)
            return views.map { "\($0.service) \($0.order) \($0.release) \($0.observedOn.map(\.text).joined(separator: "+"))" }.joined(separator: "; ")
        }
        let story: [(Instant, String)] = [
            (Instant(milliseconds: 0), ""), (beginning, ""), (meantFallback.adding(.milliseconds(-1)), ""), (meantFallback, "\(service) 1.1 rebooking-offer-0 "),
            (seenOnTwo.adding(.milliseconds(-1)), "\(service) 1.1 rebooking-offer-0 "), (seenOnTwo, "\(service) 1.1 rebooking-offer-0 node-2"),
            (seenOnBoth, "\(service) 1.1 rebooking-offer-0 node-1+node-2"), (prepared, "\(service) 1.2 rebooking-offer-0 node-1+node-2"),
            (exposed.adding(.milliseconds(-1)), "\(service) 1.2 rebooking-offer-0 node-1+node-2"), (exposed, "\(service) 1.3 rebooking-offer-1 "),
            (seenOnOne, "\(service) 1.3 rebooking-offer-1 node-1"), (live, "\(service) 1.3 rebooking-offer-1 node-1+node-2"),
            (back.adding(.milliseconds(-1)), "\(service) 1.3 rebooking-offer-1 node-1+node-2"), (back, "\(service) 1.4 rebooking-offer-0 "),
            (end, "\(service) 1.4 rebooking-offer-0 node-1+node-2"), (end.adding(.seconds(86_400)), "\(service) 1.4 rebooking-offer-0 node-1+node-2"),
        ]
        for (instant, expected) in story { #expect(try await answer(instant) == expected, "at \(instant)") }
        // Now is the clock's now, and a control plane that folds the same ledger says the same for ever.
        let other = try await desk.reopened()
        for instant in story.map(\.0) + [desk.clock.now()] {
            #expect(try await StrictJSON.encode(other.live(at: instant)) == StrictJSON.encode(desk.controller.live(at: instant)))
        }
        #expect(try await StrictJSON.encode(desk.controller.live(at: nil)) == StrictJSON.encode(desk.controller.live(at: desk.clock.now())))
    }

    @Test func promise12_onWhatEvidence() async throws {
        let desk = try await Harness()
        try await desk.fallback()
        try await desk.fallback(of: desk.installation.services[1])
        let release = try await desk.live(1, model: 1)
        let views = try await desk.controller.live(at: nil)
        #expect(views.map(\.service) == desk.installation.services)
        let view = try #require(views.first), artifact = Digest.of(desk.installation.artifact(1))
        #expect(view.spec == release.spec && view.model == desk.installation.version(1) && view.artifact == artifact)
        #expect(view.approvedBy.map(\.text) == ["ben", "cleo"] && view.criteria == release.results)
        #expect(views.last?.model == nil && views.last?.approvedBy.count == 2)
        // Each part of the answer is an entry that names the artifact or the spec.
        let about = try await desk.ledger.entries(about: artifact).map(\.entry.kind)
        #expect(about == ["model.registered", "evidence.recorded", "evidence.recorded"])
        #expect(try await desk.ledger.entries(about: view.spec).map(\.entry.kind) == ["release.sealed"] + [String](repeating: "node.observed", count: 4))
    }

    @Test func promise12_stateIsTheFold() async throws {
        let desk = try await Harness()
        try await desk.fallback()
        let first = try await desk.live(1, model: 1)
        _ = try await desk.preparing(2, model: 2)
        try await desk.stop(.rollback, first)
        try await desk.settle()
        var state = SystemState()
        for stored in try await desk.ledger.entries(from: 0, limit: .max) { try state.apply(stored.entry) }
        #expect(await desk.controller.keeper.state == state)
        for head in try await desk.ledger.heads(prefix: "") {
            #expect(state.summary(of: head.stream.text) == head.body && state.revisions[head.stream.text] == head.revision)
        }
    }
}
