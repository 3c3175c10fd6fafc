// The real node under load is killed with -9, again and again: no answered decision is missing, and none is there twice.
import Foundation
import Synchronization
import Testing

extension ProgramTests {
    @Suite(.serialized) struct RecordTests {
        private static let recorded =
            ServiceTexts.decision + "\nrecord: durable\noutcome: { name: late, contract: contracts/training.yaml, matures_after: 1d, affected_by_decision: true }\n"

        private struct Installation {
            let folder: Folder
            let control: String
            let node: String
            let program: Program
            var home: String { folder.path + "/home" }
            var variables: [String: String?] { ["PENSTOCK_HOME": home, "PENSTOCK_URL": nil, "PENSTOCK_NODE_URL": nil] }

            init() throws {
                folder = try Workshop.folder()
                let free = try Ports.free(2)
                (control, node, program) = (free[0], free[1], try Program.built.get())
                try folder.write(recorded, to: "service/decision.yaml")
            }

            @discardableResult
            func succeed(_ command: String, _ more: [String] = []) async throws -> String {
                try await program.succeed(command.split(separator: " ").map(String.init) + more, in: folder.path, variables).output
            }

            func up() async throws { try await succeed("up --detach --control \(control) --node \(node)") }

            func live() async throws {
                try await succeed("release propose --fallback --key ada.key --reason", ["first"] + RunningInstallation.files)
                for (role, person) in [("reviewer", "ben"), ("risk-owner", "cleo")] { try await succeed("release approve rebooking-offer-0 --role \(role) --key \(person).key") }
                try await until("it is live") { try await succeed("release show rebooking-offer-0 --output json").contains(#""phase":"live""#) }
            }

            func until(_ what: String, _ condition: () async throws -> Bool) async throws {
                let end = ContinuousClock.now + .seconds(20)
                while try await !condition() {
                    guard ContinuousClock.now < end else { throw ProgramError(description: "it did not come about that \(what)") }
                    try await Task.sleep(for: .milliseconds(50))
                }
            }

            func process(_ name: String) throws -> Int32 {
                struct Running: Decodable { var process: Int32 }
                return try JSONDecoder().decode(Running.self, from: Data(contentsOf: URL(filePath: home + "/run/\(name).json"))).process
            }

            /// The id of an answered decision; `nil` when the node does not answer.
            func decide() -> String? {
                let row = #"{"distance":1200,"dep_delay":3,"tail_number":"N14228"}"#
                let request =
                    "POST /v1/decisions/rebooking-offer HTTP/1.1\r\nHost: \(node)\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: \(row.utf8.count)\r\n\r\n\(row)"
                guard let answer = try? Ports.exchange(Array(request.utf8), with: node), answer.hasPrefix("HTTP/1.1 200 "), let id = answer.firstRange(of: "\"decision_id\":\"")
                else { return nil }
                // An answer that was cut short is not counted as one.
                return answer.hasSuffix("}") ? String(answer[id.upperBound...].prefix(32)) : nil
            }

            func story(_ id: String) throws -> String {
                let token = try String(contentsOfFile: home + "/operator.token", encoding: .utf8).trimmingCharacters(in: .newlines)
                return try Ports.exchange(
                    Array("GET /v1/decisions/\(id) HTTP/1.1\r\nHost: \(control)\r\nAuthorization: Bearer \(token)\r\nConnection: close\r\n\r\n".utf8), with: control)
            }
        }

        @Test func promise11_killingTheNodeOrTheControlPlaneLosesNoAnsweredDecision() async throws {
            let installation = try Installation()
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
        private func outcomes(_ ids: [String], _ installation: Installation) async throws {
            let lines = ids.prefix(3).enumerated().map { #"{"decision_id":"\#($1)","value":\#($0 == 0),"at":"2026-01-01T00:00:00Z"}"# + "\n" }
            try installation.folder.write(lines.joined() + lines[0] + lines[1].replacing("false", with: "true"), to: "outcomes.jsonl")
            #expect(try await installation.succeed("outcome send rebooking-offer --file outcomes.jsonl") == "5 outcomes of rebooking-offer are kept.\n")
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
