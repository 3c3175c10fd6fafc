// Harm that a node sees is stopped by the node, for good, with or without a control plane.
import Decisions
import Foundation
import Inference
import Ports
import Primitives
import Releases
import ServingPlane
import Synchronization
import TestKit
import Testing

@Suite(.serialized) struct VetoTests {
    @Test func promise10_aNodeVetoesHarmThatItSeesAndNoTableBringsItBack() async throws {
        // It decides otherwise than the champion, always.
        let exposed = try Exposed(candidate: "0.9 0 0", plan: [.canary(0.5), .live], share: 0.5)
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder) { node in
                try await node.untilExposed(exposed.candidate)
                exposed.link.change { $0.isDead = true }
                try await node.until("it is vetoed") {
                    try await node.askForTwenty()
                    return try await node.get("/v1/status").body.contains(#""vetoes":[{"#)
                }
                // On the disk before anybody was told.
                let kept = try String(contentsOfFile: folder + "/vetoes.json", encoding: .utf8)
                #expect(kept.contains(exposed.candidate.digest.description) && kept.contains("decision_flips"))
                try await ComparisonTests.send(100, to: node, by: exposed.champion)
            }
            try exposed.show(2, share: 0.5)
            exposed.link.change { $0.isDead = false }
            try await exposed.run(folder: folder) { node in
                try await node.until("the veto is reported") { !exposed.observed(.vetoed).isEmpty }
                try await node.until("the newer table is taken") { try await node.get("/v1/status").body.contains(#""table":"1.2""#) }
                try exposed.show(3, share: 0.5)
                try await node.until("the newest table is taken") { try await node.get("/v1/status").body.contains(#""table":"1.3""#) }
                try await node.passes()
                try await ComparisonTests.send(100, to: node, by: exposed.champion)
                #expect(try await node.get("/metrics").body.contains("penstock_vetoes 1"))
                // Nor is it the champion here.
                var promoted = exposed.candidate
                promoted.bundle.promotion = try exposed.world.advance(.promote, promoted, step: 1)
                let live = try exposed.world.table(4, champion: promoted, standby: exposed.champion)
                exposed.link.change { $0.table = live }
                try await node.until("it is refused") { exposed.observed(.refused).contains { $0.reason?.contains("is vetoed here") == true } }
                try await ComparisonTests.send(20, to: node, by: exposed.champion)
            }
            let veto = try #require(exposed.observed(.vetoed).first)
            #expect(veto.spec == exposed.candidate.digest && veto.reason?.contains("decision_flips 1.0000") == true && veto.breach != nil)
            #expect(exposed.observed(.vetoed).count == 1)
            // Measured on the monotonic clock, from the answer to the decision with which it was plain.
            #expect((veto.milliseconds ?? -1) >= 0)
            #expect(!FileManager.default.fileExists(atPath: folder + "/exposing.json"))
        }
    }

    /// While eight callers ask, none fails, and none that asks after the veto is on the disk is answered by the candidate.
    @Test func promise9_underLoadAVetoFailsNoRequest() async throws {
        let exposed = try Exposed(candidate: "0.9 0 0", plan: [.canary(0.5), .live], share: 0.5)
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder) { node in
                try await node.untilExposed(exposed.candidate)
                let seen = try await Self.load(node) { FileManager.default.fileExists(atPath: folder + "/vetoes.json") }
                #expect(seen.before.isSubset(of: [exposed.champion.digest.description, exposed.candidate.digest.description]))
                #expect(seen.after == [exposed.champion.digest.description])
            }
        }
    }

    /// The same when the control plane rolls back.
    @Test func promise9_underLoadARollbackFailsNoRequest() async throws {
        let exposed = try Exposed(plan: [.canary(0.5), .live], share: 0.5)
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder) { node in
                try await node.untilExposed(exposed.candidate)
                let isBack = Mutex(false)
                let back = Task {
                    try await Task.sleep(for: .milliseconds(200))
                    try exposed.show(2, share: nil)
                    try await node.until("the table is carried out") { try await !node.get("/v1/status").body.contains(#""step":"#) }
                    isBack.withLock { $0 = true }
                }
                let seen = try await Self.load(node) { isBack.withLock { $0 } }
                try await back.value
                #expect(seen.before == [exposed.champion.digest.description, exposed.candidate.digest.description])
                #expect(seen.after == [exposed.champion.digest.description])
            }
        }
    }

    /// The control plane goes away for longer than the lease: callers notice nothing but who answers.
    @Test func promise10_underLoadALapsedLeaseFailsNoRequest() async throws {
        let exposed = try Exposed(plan: [.canary(0.5), .live], share: 0.5)
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder, leaseSpan: .milliseconds(400)) { node in
                try await node.untilExposed(exposed.candidate)
                let hasLapsed = Mutex(false)
                let outage = Task {
                    try await Task.sleep(for: .milliseconds(200))
                    exposed.link.change { $0.isDead = true }
                    try await node.until("the lease lapses") { try await node.get("/v1/status").body.contains(#""leaseSeconds":0,"#) }
                    hasLapsed.withLock { $0 = true }
                }
                let seen = try await Self.load(node) { hasLapsed.withLock { $0 } }
                try await outage.value
                #expect(seen.before == [exposed.champion.digest.description, exposed.candidate.digest.description])
                #expect(seen.after == [exposed.champion.digest.description])
            }
        }
    }

    /// Eight callers; which specs answered before and after `isOver` was seen, and 200 more requests of each afterwards.
    private static func load(_ node: Harness, until isOver: @escaping @Sendable () -> Bool) async throws -> (before: Set<String>, after: Set<String>) {
        try await withThrowingTaskGroup(of: (Set<String>, Set<String>).self) { tasks in
            for caller in 0..<8 {
                tasks.addTask {
                    try await node.converse { talk in
                        var before: Set<String> = [], after: Set<String> = []
                        var number = 0, left = 200
                        while left > 0 {
                            let over = isOver()
                            let answer = try #require(try await talk.post(Exposed.row("N\(caller)-\(number % 500)")))
                            #expect(answer.status == 200)
                            let spec = try #require(answer.spec)
                            if over { after.insert(spec) } else { before.insert(spec) }
                            if over { left -= 1 }
                            number += 1
                            guard number < 200_000 else { throw ServingError("it was never over") }
                        }
                        return (before, after)
                    }
                }
            }
            var before: Set<String> = [], after: Set<String> = []
            for try await (one, other) in tasks {
                before.formUnion(one)
                after.formUnion(other)
            }
            return (before, after)
        }
    }

    @Test func promise10_harmThatOnlyOutcomesShowIsStopped() async throws {
        // Both decide `none`; only the truth tells them apart.
        let exposed = try Exposed(candidate: "0.6 0 0", plan: [.shadow(1), .canary(0.5), .live], share: 0)
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder) { node in
                try await node.untilExposed(exposed.candidate)
                try await ComparisonTests.send(400, to: node, by: exposed.champion)
                try await node.until("all is compared") { try exposed.comparisons.count == 400 }
                #expect(try await node.get("/v1/status").body.contains(#""vetoes":[]"#))
                let lines = try exposed.decisions.map {
                    #"{"decision_id":"\#($0.decision.id)","service":"rebooking-offer","value":false,"at":"2013-07-01T12:00:00Z"}"#
                }
                // Twice: an outcome that is sent again is no second one.
                for _ in 0..<2 {
                    let body = lines.joined(separator: "\n")
                    let answer = try await node.converse { talk in
                        try await talk.send(
                            "POST /v1/outcomes HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)")
                        return try await talk.answer()
                    }
                    #expect(answer?.status == 200)
                }
                try await node.until("the veto is reported") { !exposed.observed(.vetoed).isEmpty }
                #expect(exposed.observed(.vetoed).first?.reason?.contains("outcome.accuracy -1.0000") == true)
                #expect(try await !node.get("/v1/status").body.contains(#""step":"#))
            }
        }
    }

    /// What asks for a pause is the controller's to judge, over all nodes.
    @Test func harmThatAsksForAPauseIsLeftToTheControlPlane() async throws {
        let exposed = try Exposed(candidate: "0.9 0 0", plan: [.canary(0.5), .live], share: 0.5, terms: .patient)
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder) { node in
                try await node.untilExposed(exposed.candidate)
                for number in 0..<200 { #expect(try await node.decide(Exposed.row("N\(number)")).status == 200) }
                try await node.until("all is compared") { try exposed.comparisons.count == 200 }
                #expect(try await node.get("/v1/status").body.contains(#""vetoes":[]"#))
            }
        }
    }

    /// A veto that finds no disk stops the candidate all the same, and says so.
    @Test func promise10_aVetoThatCannotBeWrittenStands() async throws {
        let exposed = try Exposed(candidate: "0.9 0 0", plan: [.canary(0.5), .live], share: 0.5)
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder) { node in
                try await node.untilExposed(exposed.candidate)
                // Nothing can be put in the place of a folder.
                try FileManager.default.createDirectory(atPath: folder + "/vetoes.json/in-the-way", withIntermediateDirectories: true)
                try await node.until("the veto is reported") {
                    try await node.askForTwenty()
                    return !exposed.observed(.vetoed).isEmpty
                }
                #expect(exposed.observed(.vetoed).first?.reason?.contains("is not on the disk") == true)
                try exposed.show(2, share: 0.5)
                try await node.until("the newer table is taken") { try await node.get("/v1/status").body.contains(#""table":"1.2""#) }
                try await ComparisonTests.send(50, to: node, by: exposed.champion)
            }
        }
    }

    /// Comparisons of before count as if there had been no restart: the one with which harm is plain comes after it.
    @Test func promise10_aRestartGivesAHarmfulCandidateNoSecondChance() async throws {
        let needed = try await Self.comparisonsUntilVeto()
        let exposed = try Exposed(candidate: "0.9 0 0", plan: [.shadow(1), .canary(0.5), .live], share: 0)
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder) { node in
                try await node.untilExposed(exposed.candidate)
                try await ComparisonTests.send(needed - 1, to: node, by: exposed.champion)
            }
            try #require(try exposed.comparisons.count == needed - 1 && exposed.observed(.vetoed).isEmpty)
            try await exposed.run(folder: folder) { node in
                try await node.untilExposed(exposed.candidate)
                try await node.passes()
                #expect(exposed.observed(.vetoed).isEmpty)
                try await ComparisonTests.send(1, to: node, by: exposed.champion)
                try await node.until("the veto is reported") { !exposed.observed(.vetoed).isEmpty }
            }
            // A veto that never reached the disk is found again before the candidate is exposed.
            try FileManager.default.removeItem(atPath: folder + "/vetoes.json")
            exposed.link.change { $0.observations = [] }
            try await exposed.run(folder: folder) { node in
                try await node.until("the veto is reported again") { !exposed.observed(.vetoed).isEmpty }
                try await ComparisonTests.send(20, to: node, by: exposed.champion)
            }
            #expect(try exposed.comparisons.count == needed)
        }
    }

    /// While its log is read the champion answers, and the candidate comes when that is over.
    @Test func promise10_aRestartedChampionWaitsForNoCandidate() async throws {
        let exposed = try Exposed(plan: [.shadow(1), .canary(0.5), .live], share: 0)
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder) { node in
                try await node.untilExposed(exposed.candidate)
                try await ComparisonTests.send(20, to: node, by: exposed.champion)
            }
            exposed.log.holdReads(true)
            // Also where an expectation fails: a node whose log is never read does not end.
            defer { exposed.log.holdReads(false) }
            try await exposed.run(folder: folder) { node in
                try await node.passes()
                try await ComparisonTests.send(20, to: node, by: exposed.champion)
                #expect(try await !node.get("/v1/status").body.contains(#""step":"#))
                // It is loaded, so a death would be held against it.
                let marked = FileManager.default.contents(atPath: folder + "/exposing.json") ?? Data()
                #expect(String(decoding: marked, as: UTF8.self).contains(exposed.candidate.digest.description))
                exposed.log.holdReads(false)
                try await node.untilExposed(exposed.candidate)
            }
        }
    }

    /// Nobody knows what it did here, so it is not tried again.
    @Test func aCandidateWhosePastCannotBeReadIsNotExposed() async throws {
        let exposed = try Exposed(plan: [.shadow(1), .canary(0.5), .live], share: 0)
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder) { node in
                try await node.untilExposed(exposed.candidate)
                try await ComparisonTests.send(20, to: node, by: exposed.champion)
            }
            exposed.log.failReads(DecisionLogError(.damaged, "entry 7 is damaged"))
            try await exposed.run(folder: folder) { node in
                try await node.until("it is refused") { exposed.observed(.refused).contains { $0.reason?.hasSuffix("cannot be read: entry 7 is damaged") == true } }
                try await ComparisonTests.send(20, to: node, by: exposed.champion)
                #expect(try await !node.get("/v1/status").body.contains(#""step":"#))
            }
        }
    }

    private static func comparisonsUntilVeto() async throws -> Int {
        let exposed = try Exposed(candidate: "0.9 0 0", plan: [.shadow(1), .canary(0.5), .live], share: 0)
        try await Harness.withFolder { folder in
            try await exposed.run(folder: folder) { node in
                try await node.untilExposed(exposed.candidate)
                for sent in 1...400 where exposed.observed(.vetoed).isEmpty {
                    try await ComparisonTests.send(1, to: node, by: exposed.champion)
                    try await node.until("it is compared") { try exposed.comparisons.count == sent }
                    try await node.passes()
                }
            }
        }
        return try exposed.comparisons.count
    }

    /// Whoever can write the folder can make the node forget, and then it exposes nothing.
    @Test func aNodeThatCannotReadItsVetoesExposesNothing() async throws {
        let exposed = try Exposed()
        try await Harness.withFolder { folder in
            try Data("{".utf8).write(to: URL(fileURLWithPath: folder + "/vetoes.json"))
            try await exposed.run(folder: folder) { node in
                try await node.until("the refusal is reported") { exposed.observed(.refused).contains { $0.reason?.contains("exposes nothing") == true } }
                try await node.passes()
                #expect(try await node.decide().spec == exposed.champion.digest.description)
            }
            try FileManager.default.removeItem(atPath: folder + "/vetoes.json")
            try await exposed.run(folder: folder) { node in try await node.untilServed(exposed.candidate) }
        }
    }

    /// A death leaves the mark of the candidate, the second one in a row is held against it, and a clean stop leaves none.
    @Test func promise8_aCandidateUnderWhichTheNodeDiesTwiceIsVetoed() async throws {
        let exposed = try Exposed(plan: [.shadow(1), .live], share: 0)
        try await Harness.withFolder { folder in
            let path = folder + "/exposing.json"
            for death in 0..<2 {
                let left = Mutex<Data?>(nil)
                try await exposed.run(folder: folder) { node in
                    try await node.untilExposed(exposed.candidate)
                    let data = try #require(FileManager.default.contents(atPath: path))
                    #expect(String(decoding: data, as: UTF8.self).contains(#""starts":\#(death)"#))
                    left.withLock { $0 = data }
                }
                #expect(!FileManager.default.fileExists(atPath: path))
                // As a process leaves it that was killed.
                try left.withLock { $0 }?.write(to: URL(fileURLWithPath: path))
            }
            try await exposed.run(folder: folder) { node in
                try await node.until("the veto is reported") { !exposed.observed(.vetoed).isEmpty }
                #expect(exposed.observed(.vetoed).first?.reason?.contains("died 2 times in a row while rebooking-offer-2") == true)
                try await node.passes()
                #expect(try await !node.get("/v1/status").body.contains(#""step":"#))
                #expect(try await node.decide().spec == exposed.champion.digest.description)
            }
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }
}

extension Harness {
    fileprivate func askForTwenty() async throws {
        for number in 0..<20 {
            let answer = try await decide(Exposed.row("N\(number)"))
            #expect(answer.status == 200)
        }
    }
}
