// Both arms are compared after the reply, and a candidate in shadow costs the champion nothing.
import Decisions
import Foundation
import Inference
import Primitives
import Releases
import ServingPlane
import Synchronization
import TestKit
import Testing

@Suite(.serialized) struct ComparisonTests {
    /// Sends rows on one connection; each must be answered by the champion.
    static func send(_ count: Int, to node: Harness, distance: Int = 100, by release: MadeRelease) async throws {
        let spec = release.digest.description
        try await node.converse { talk in
            for number in 0..<count {
                let answer = try #require(try await talk.post(Exposed.row("N\(number)", distance: distance)))
                #expect(answer.status == 200 && answer.spec == spec)
            }
        }
    }

    @Test func promise9_everyDecisionUnderExposureIsComparedAndASampleIsScoredByBoth() async throws {
        let exposed = try Exposed(plan: [.shadow(0.5), .canary(0.2), .live], share: 0)
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder) { node in
                try await node.untilExposed(exposed.candidate)
                try await Self.send(200, to: node, by: exposed.champion)
                #expect(try await node.decide(#"{"distance":100,"hour":1}"#).status == 200)
                #expect(try await node.decide(#"{"tail_number":"N1","distance":9000,"hour":1}"#).body.contains("outside_contract"))
                try exposed.show(2, share: 0.2, step: 1)
                try await node.until("the share grows") { try await node.get("/v1/status").body.contains(#""share":0.2"#) }
                for number in 0..<200 { #expect(try await node.decide(Exposed.row("N\(number)")).status == 200) }
            }
        }
        let decisions = try exposed.decisions
        let compared = Dictionary(try exposed.comparisons.map { ($0.decision, $0) }, uniquingKeysWith: { first, _ in first })
        // In the order of the decisions; a comparison of one event loop may overtake that of another.
        let records = decisions.compactMap { compared[$0.decision.id] }
        try #require(records.count == 402 && decisions.count == 402)
        #expect(try exposed.comparisons.count == 402)
        #expect(records.allSatisfy { $0.sampled == ($0.pair != nil) && $0.candidate == exposed.candidate.spec.release && $0.spec == exposed.candidate.digest && !$0.failed })
        let sampled = records.prefix(200).count(where: \.sampled)
        #expect((70...130).contains(sampled), "\(sampled)")
        // The sample is of entities, and not of those that the candidate answers.
        for (first, second) in zip(records.prefix(200), records.suffix(200)) { #expect(first.sampled == second.sampled && first.entity == second.entity && first.entity != nil) }
        let taken = records.suffix(200).filter { $0.arm == .candidate }
        #expect(taken.contains { $0.sampled } && taken.contains { !$0.sampled } && taken.allSatisfy { $0.step == 1 && $0.share == 0.2 })
        #expect(records.prefix(202).allSatisfy { $0.step == 0 && $0.share == 0 && $0.arm == .champion })
        #expect(records[200].entity == nil)
        for pair in records.prefix(201).compactMap(\.pair) { #expect(pair.champion.score == 0.1 && pair.candidate.score == 0.2 && pair.champion.outcome.text == "none") }
        for pair in records[201...201].compactMap(\.pair) { #expect(pair.champion.score == nil && pair.candidate.score == nil && pair.candidate.outcome.text == "review") }
        for record in taken { if let pair = record.pair { #expect(pair.champion.score == 0.1 && pair.candidate.score == 0.2) } }
    }

    @Test func withoutAnExposureNothingIsCompared() async throws {
        let exposed = try Exposed()
        try exposed.show(2, share: nil)
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder) { node in try await Self.send(20, to: node, by: exposed.champion) }
        }
        #expect(try exposed.comparisons.isEmpty && exposed.decisions.count == 20)
    }

    /// Without an answer that can be used, a candidate has said the fallback.
    @Test(arguments: [true, false]) func promise8_aCandidateWithoutScoresHarmsNobodyInShadow(_ throwing: Bool) async throws {
        let exposed = try Exposed(plan: [.shadow(1), .live], share: 0, terms: .patient)
        let engine = MoodyEngine { numbers, row in numbers[0] == 0.2 && row[0] > 50 ? (throwing ? .fails : .isNoNumber) : .scores }
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder, engine: engine) { node in
                try await node.untilExposed(exposed.candidate)
                try await Self.send(50, to: node, by: exposed.champion)
            }
        }
        let pairs = try exposed.comparisons.compactMap(\.pair)
        #expect(pairs.count == 50)
        #expect(pairs.allSatisfy { $0.candidate == .init(outcome: $0.candidate.outcome, score: nil) && $0.candidate.outcome.text == "review" && $0.champion.score == 0.1 })
    }

    @Test func aCandidateThatFailsWhereItAnswersIsSeen() async throws {
        let exposed = try Exposed(plan: [.canary(0.5), .live], share: 0.5, terms: .patient)
        let engine = MoodyEngine { numbers, row in numbers[0] == 0.2 && row[0] > 50 ? .fails : .scores }
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder, engine: engine) { node in
                try await node.untilExposed(exposed.candidate)
                for number in 0..<40 { #expect(try await node.decide(Exposed.row("N\(number)")).status == 200) }
            }
        }
        let records = try exposed.comparisons
        #expect(records.count == 40 && records.allSatisfy { $0.failed == ($0.arm == .candidate) } && Set(records.map(\.arm)).count == 2)
    }

    /// Its contract lacks a column that the champion's has: a caller of before need not know that.
    @Test func promise9_aRowThatOnlyTheCandidateCannotReadIsNoFaultOfTheCaller() async throws {
        let exposed = try Exposed(plan: [.canary(0.5), .live], share: 0.5, terms: .patient, hasTime: false, championHasTime: true)
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder) { node in
                try await node.untilExposed(exposed.candidate)
                for number in 0..<40 {
                    let answer = try await node.decide(#"{"tail_number":"N\#(number)","distance":100,"hour":7,"departs":"2013-07-01T06:00:00Z"}"#)
                    #expect(answer.status == 200)
                }
                #expect(try await node.decide(#"{"tail_number":"N1","distance":"far","hour":7}"#).status == 400)
            }
        }
        let records = try exposed.comparisons
        #expect(records.count == 40 && records.allSatisfy { $0.failed == ($0.arm == .candidate) && $0.pair?.candidate.score == nil } && Set(records.map(\.arm)).count == 2)
    }

    /// The champion answers all, long before the candidate could have scored them, and what it did not score is written as missing.
    @Test func promise8_aSlowCandidateInShadowCostsPairsAndNoAnswer() async throws {
        let exposed = try Exposed(plan: [.shadow(1), .live], share: 0, terms: .patient)
        let scored = Mutex(0)
        let engine = MoodyEngine { numbers, row in
            guard numbers[0] == 0.2, row[0] > 50 else { return .scores }
            return .blocks {
                usleep(200_000)
                scored.withLock { $0 += 1 }
            }
        }
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder, engine: engine) { node in
                try await node.untilExposed(exposed.candidate)
                try await Self.send(1500, to: node, by: exposed.champion)
                #expect(scored.withLock { $0 } < 1500)
                let status = try await node.get("/v1/status").body
                #expect(status.contains(#""compared":"#) && !status.contains(#""missing":0,"#))
            }
        }
        let records = try exposed.comparisons
        #expect(Set(records.map(\.decision)) == Set(try exposed.decisions.map(\.decision.id)) && records.count == 1500)
        #expect(records.allSatisfy { $0.sampled && !$0.failed } && records.contains { $0.pair == nil })
    }

    /// It never comes back: what it holds up is written meanwhile, and the node stops.
    @Test func promise8_aHangingCandidateInShadowHoldsUpNothing() async throws {
        let exposed = try Exposed(plan: [.shadow(1), .live], share: 0, terms: .patient)
        let end = DispatchSemaphore(value: 0), hung = Mutex(0)
        let engine = MoodyEngine { numbers, row in
            guard numbers[0] == 0.2, row[0] > 50 else { return .scores }
            return .blocks {
                hung.withLock { $0 += 1 }
                end.wait()
            }
        }
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder, engine: engine) { node in
                try await node.untilExposed(exposed.candidate)
                try await Self.send(50, to: node, by: exposed.champion)
                try await node.until("all is written") { try exposed.comparisons.count == 50 }
                try await Self.send(50, to: node, by: exposed.champion)
                try await node.until("all is written") { try exposed.comparisons.count == 100 }
                #expect(try await node.get("/v1/status").body.contains(#""hangs":true"#))
            }
        }
        end.signal()
        #expect(hung.withLock { $0 } == 1)
        #expect(try exposed.comparisons.allSatisfy { $0.sampled && $0.pair == nil } && Set(exposed.comparisons.map(\.decision)).count == 100)
    }

    /// On replayed history, comparisons carry the time of the requests, which never goes back.
    @Test func comparisonsStandOnThePolicysClock() async throws {
        var terms = RolloutTerms.patient
        terms.clock = .replay
        let exposed = try Exposed(plan: [.shadow(1), .live], share: 0, terms: terms, hasTime: true)
        let times = ["2013-07-01T06:00:00Z", "2013-07-01T08:00:00Z", "2013-07-01T07:00:00Z", "", "2013-07-02T00:00:00Z"]
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder) { node in
                try await node.untilExposed(exposed.candidate)
                for time in times {
                    let row = #"{"tail_number":"N1","distance":100,"hour":7\#(time.isEmpty ? "" : #","departs":"\#(time)""#)}"#
                    #expect(try await node.decide(row).status == 200)
                }
            }
        }
        let clocks = try exposed.comparisons.map(\.clock.description)
        #expect(clocks == ["2013-07-01T06:00:00.000Z", "2013-07-01T08:00:00.000Z", "2013-07-01T08:00:00.000Z", "2013-07-01T08:00:00.000Z", "2013-07-02T00:00:00.000Z"])
        #expect(try exposed.comparisons.allSatisfy { $0.answered > $0.clock })
    }

    @Test func aReplayedPolicyNeedsATimeInItsRequests() async throws {
        var terms = RolloutTerms.patient
        terms.clock = .replay
        let exposed = try Exposed(plan: [.shadow(1), .live], share: 0, terms: terms)
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder) { node in
                try await node.until("the refusal is reported") { exposed.observed(.refused).contains { $0.reason?.contains("no column with the role time") == true } }
                #expect(try await node.decide().status == 200)
            }
        }
    }

    /// Some disks are full at the wrong moment.
    @Test func comparisonsThatNoLogTakesAreCounted() async throws {
        let exposed = try Exposed(plan: [.shadow(1), .live], share: 0)
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder) { node in
                try await node.untilExposed(exposed.candidate)
                exposed.log.fail(.init(.unavailable, "the disk is full"))
                #expect(try await node.decide().status == 200)
                try await node.until("it is counted") { try await node.get("/metrics").body.contains(#"release="rebooking-offer-2",result="lost"} 1"#) }
            }
        }
    }
}

extension RolloutTerms {
    /// Nothing that these tests do is harm by them.
    static let patient: RolloutTerms = {
        var terms = RolloutTerms.usual
        for index in terms.guardrails.indices { terms.guardrails[index].then = .pause }
        return terms
    }()
}
