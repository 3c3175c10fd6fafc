// A candidate answers by leave only, and the champion answers whatever happens.
import Evidence
import Primitives
import Releases
import ServingPlane
import TestKit
import Testing

@Suite(.serialized) struct LeaseTests {
    @Test func promise10_theCandidateLeavesWithItsLeaseAndTheChampionAnswers() async throws {
        let exposed = try Exposed()
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder, leaseSpan: .milliseconds(300)) { node in
                try await node.untilServed(exposed.candidate)
                // No entity, no experiment.
                #expect(try await node.decide(#"{"distance":1,"hour":1}"#).spec == exposed.champion.digest.description)
                exposed.link.change { $0.isDead = true }
                try await node.untilServed(exposed.champion)
                try await node.passes()
                for _ in 0..<20 { #expect(try await node.decide().spec == exposed.champion.digest.description) }
                #expect(try await node.get("/v1/status").body.contains(#""leaseSeconds":0,"#))
                // The comparison goes on, and says that nothing was exposed.
                try await node.until("it is compared without a share") { try exposed.comparisons.contains { $0.share == 0 && $0.arm == .champion && $0.pair != nil } }
                exposed.link.change { $0.isDead = false }
                try await node.untilServed(exposed.candidate)
                #expect(try exposed.comparisons.filter { $0.arm == .candidate }.allSatisfy { $0.share == 1 })
            }
        }
    }

    @Test func promise10_afterARestartTheCandidateWaitsForAContact() async throws {
        let exposed = try Exposed()
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder) { node in
                try await node.untilServed(exposed.candidate)
                exposed.link.change { $0.isDead = true }
                #expect(try await node.get("/health/ready").status == 200)
            }
            try await exposed.run(folder: folder) { node in
                // At the first request, and for as long as nobody is there: the champion, and nothing of the candidate.
                #expect(try await node.decide().spec == exposed.champion.digest.description)
                try await node.passes()
                for _ in 0..<10 { #expect(try await node.decide().spec == exposed.champion.digest.description) }
                exposed.link.change { $0.isDead = false }
                try await node.untilServed(exposed.candidate)
            }
        }
    }

    /// The span is that of the protocol: no configuration makes it longer.
    @Test func promise10_leasesThatAnswerAnotherQuestionAreRefused() async throws {
        let exposed = try Exposed()
        let world = exposed.world, order = TableOrder(epoch: 1, generation: 1)
        func lease(_ order: TableOrder, _ key: SigningKey) -> Envelope {
            Envelope(
                signing: Lease(system: world.trust.system, environment: world.trust.environment, order: order, nonce: [UInt8](repeating: 7, count: 16)),
                as: Lease.payloadType, by: [key])
        }
        let old = lease(order, try key(20)), control = try key(20), other = try key(99)
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder, leaseSpan: .milliseconds(200)) { node in
                try await node.untilServed(exposed.candidate)
                let changes: [(String, @Sendable (inout MemoryLink.State) -> Void)] = [
                    ("an old one", { $0.oldLease = old }), ("another's", { $0.leaseKey = other }), ("of a newer table", { $0.leaseOrder = TableOrder(epoch: 1, generation: 2) }),
                    ("of an older table", { $0.leaseOrder = TableOrder(epoch: 1, generation: 0) }), ("none", { $0.leaseKey = nil }),
                ]
                for (what, change) in changes {
                    exposed.link.change(change)
                    try await node.until("the champion answers after \(what)") { try await node.decide().spec == exposed.champion.digest.description }
                    try await node.passes(5)
                    #expect(try await node.decide().spec == exposed.champion.digest.description, "\(what)")
                    exposed.link.change {
                        $0.oldLease = nil
                        $0.leaseKey = control
                        $0.leaseOrder = nil
                    }
                    try await node.untilServed(exposed.candidate)
                }
            }
        }
    }

    /// A node that cannot carry out the newest table exposes nothing by the one before.
    @Test func promise10_whileTheNewestTableIsRefusedNothingIsExposed() async throws {
        let exposed = try Exposed()
        let bad = try exposed.world.release(3, exposure: [.canary(1), .live], approvers: [(.reviewer, 2, "ben")])
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder) { node in
                try await node.untilServed(exposed.candidate)
                let table = try exposed.world.table(2, champion: exposed.champion, candidate: (bad, 1))
                exposed.link.change { $0.table = table }
                try await node.until("it is refused") { !exposed.observed(.refused).isEmpty }
                try await node.passes()
                #expect(try await node.decide().spec == exposed.champion.digest.description)
                try exposed.show(3, share: 1)
                try await node.untilServed(exposed.candidate)
            }
        }
    }

    @Test func promise9_theSameEntitiesStayWithTheCandidateAndMoreJoinThem() async throws {
        let exposed = try Exposed(plan: [.canary(0.05), .canary(0.25), .live], share: 0.05)
        let candidate = exposed.candidate.digest.description
        @Sendable func taken(_ node: Harness) async throws -> Set<Int> {
            try await node.converse { talk in
                var taken: Set<Int> = []
                for number in 0..<600 {
                    let answer = try #require(try await talk.post(Exposed.row("N\(number)")))
                    if answer.spec == candidate { taken.insert(number) }
                }
                return taken
            }
        }
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder) { node in
                try await node.untilExposed(exposed.candidate)
                let few = try await taken(node)
                #expect((10...60).contains(few.count), "\(few.count)")
                let again = try await taken(node)
                #expect(again == few)
                try exposed.show(2, share: 0.25, step: 1)
                try await node.until("the share grows") { try await node.get("/v1/status").body.contains(#""share":0.25"#) }
                let more = try await taken(node)
                #expect(more.isSuperset(of: few) && (100...200).contains(more.count), "\(more.count)")
            }
        }
    }

    @Test func aReleaseThatNobodyCouldJudgeIsNotExposed() async throws {
        let world = try World(), link = MemoryLink(world.trust)
        let champion = try world.release(1), candidate = try world.release(2, model: "0.9 0 0", exposure: [.canary(1), .live])
        link.show(try world.table(1, champion: champion, candidate: (candidate, 1)), champion, candidate)
        let key = try key(20)
        link.change { $0.leaseKey = key }
        try await Harness.withFolder { folder in
            try await Harness.run(world, link, folder: folder) { node in
                try await node.until("the refusal is reported") { link.look { $0.observations.contains { $0.state == .refused && $0.spec == candidate.digest } } }
                let reason = try #require(link.look { $0.observations.first { $0.state == .refused }?.reason })
                #expect(reason.contains("records no decisions"))
                try await node.passes()
                #expect(try await node.decide().spec == champion.digest.description)
            }
        }
    }
}
