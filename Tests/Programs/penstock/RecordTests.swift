// The real node under load is killed with -9, again and again: no answered decision is missing, and none is there twice.
import Foundation
import Synchronization
import Testing

extension ProgramTests {
    @Suite(.serialized) struct RecordTests {
        private static let recorded =
            ServiceTexts.decision + "\nrecord: durable\noutcome: { name: late, contract: contracts/training.yaml, matures_after: 1d, affected_by_decision: true }\n"

        @Test func promise11_killingTheNodeOrTheControlPlaneLosesNoAnsweredDecision() async throws {
            let installation = try OwnInstallation(decision: Self.recorded)
            defer { Processes.end(naming: installation.home) }
            try await installation.up()
            try await installation.live()
            let answered = Mutex<[String]>([]), isDone = Mutex(false)
            let load = (0..<4).map { _ in
                Thread {
                    while !isDone.withLock({ $0 }) {
                        if let id = installation.decide() { answered.withLock { $0.append(id) } } else { Thread.sleep(forTimeInterval: 0.005) }
                    }
                }
            }
            for thread in load { thread.start() }
            defer { isDone.withLock { $0 = true } }
            for round in 0..<6 {
                let before = answered.withLock { $0.count }
                try await installation.until("it answers") { answered.withLock { $0.count } > before + 60 + round * 7 }
                let name = round % 3 == 2 ? "control" : "node-1"
                kill(try installation.process(name), SIGKILL)
                try await installation.up()
            }
            isDone.withLock { $0 = true }
            let ids = answered.withLock { $0 }
            try #require(ids.count > 300)
            let last = try #require(ids.last)
            try await installation.until("the newest has arrived") { try installation.story(last).hasPrefix("HTTP/1.1 200 ") }
            try await installation.until("all have arrived") { try ids.suffix(20).allSatisfy { try installation.story($0).hasPrefix("HTTP/1.1 200 ") } }
            var missing: [String] = []
            for id in ids where try !installation.story(id).hasPrefix("HTTP/1.1 200 ") { missing.append(id) }
            #expect(missing.isEmpty, "\(missing.count) of \(ids.count) are missing or stored twice: \(missing.prefix(3))")
            try await outcomes(ids, installation)
            try await installation.succeed("down")
        }

        /// The rest of a decision's life on the same installation: what became of it, the report, the story.
        private func outcomes(_ ids: [String], _ installation: OwnInstallation) async throws {
            let lines = ids.prefix(3).enumerated().map { #"{"decision_id":"\#($1)","value":\#($0 == 0),"at":"2026-01-01T00:00:00Z"}"# + "\n" }
            try installation.folder.write(lines.joined() + lines[0] + lines[1].replacing("false", with: "true"), to: "outcomes.jsonl")
            let sent = try await installation.succeed("outcome send rebooking-offer --file outcomes.jsonl --output json")
            #expect(sent == #"{"kept":5,"service":"rebooking-offer"}"# + "\n")
            try await installation.until("they are joined") { try await installation.succeed("decide report rebooking-offer --output json").contains(#""joined":2"#) }
            let report = try await installation.succeed("decide report rebooking-offer --output json")
            #expect(report.contains(#""contradicted":1"#) && report.contains(#""repeated":1"#) && report.contains(#""isAffectedByDecision":true"#), "\(report)")
            let story = try await installation.succeed("decide show \(ids[0])")
            for part in ["review, because no_model", "ben as reviewer", "cleo as risk-owner", "late = true", "and it holds"] { #expect(story.contains(part), "\(story)") }
            #expect(try await installation.succeed("decide show \(ids[1]) --output json").contains(#""truth":"contradicted""#))
            let refusals = [
                Refusal("no decision", "decide show \(String(repeating: "0", count: 32))", exits: 65, says: "there is no decision"),
                Refusal("no service", "decide report upgrade", exits: 65, says: "there is no decision service upgrade"),
                Refusal("no outcomes", "outcome send rebooking-offer --file bad.jsonl", exits: 65, says: "bad.jsonl, line 1", files: ["bad.jsonl": "{}\n"]),
            ]
            for var refusal in refusals {
                refusal.variables = installation.variables
                try await refusal.check(in: Workshop.folder())
            }
        }
    }
}
