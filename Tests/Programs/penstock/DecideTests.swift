// Requests that a node refuses, and how the command line says so.
import Foundation
import Testing

extension ProgramTests.RunningTests {
    @Suite struct DecideTests {
        private static let closed = "http://127.0.0.1:1"
        private static let large = String(repeating: " ", count: 65_537)

        static let requests = [
            Refusal("half a document", #"decide send rebooking-offer --row {"distance":"#, exits: 65, says: "400", "not valid JSON"),
            Refusal("an empty request", "decide send rebooking-offer --row", [""], exits: 65, says: "400"),
            Refusal("a list", "decide send rebooking-offer --row [1]", exits: 65, says: "400"),
            Refusal("text for a number", #"decide send rebooking-offer --row {"distance":"far","dep_delay":3}"#, exits: 65, says: "400", "'distance' is a string", "number"),
            Refusal("an unknown column", #"decide send rebooking-offer --row {"distance":1,"dep_delay":3,"wind":4}"#, exits: 65, says: "400", "'wind'"),
            Refusal("a column twice", #"decide send rebooking-offer --row {"distance":1,"distance":2,"dep_delay":3}"#, exits: 65, says: "400", "'distance'"),
            Refusal("no such service", #"decide send upgrade --row {"distance":1}"#, exits: 65, says: "404", "'upgrade'", "served are rebooking-offer"),
            Refusal("more than is read", "decide send rebooking-offer --file bad.json", exits: 65, says: "413", "65537 bytes", "65536", files: ["bad.json": large]),
            Refusal(
                "more than is sent", "decide send rebooking-offer --file bad.json", exits: 65, says: "bad.json", "262144", files: ["bad.json": String(repeating: large, count: 5)]),
            Refusal("no request", "decide send rebooking-offer", exits: 65, says: "--row", "--file"),
            Refusal("two requests", "decide send rebooking-offer --row {} --file bad.json", exits: 65, says: "--row", "--file"),
            Refusal("a file that is missing", "decide send rebooking-offer --file nowhere.json", exits: 66, says: "nowhere.json", "check the name"),
            Refusal("a batch that is missing", "decide batch rebooking-offer --file nowhere.jsonl", exits: 66, says: "nowhere.jsonl"),
            Refusal("a batch of nothing", "decide batch rebooking-offer --file bad.jsonl", exits: 65, says: "bad.jsonl has no requests", files: ["bad.jsonl": "\n\n"]),
            Refusal("a batch on no connection", "decide batch rebooking-offer --connections 0 --file bad.jsonl", exits: 65, says: "--connections", "1 to 256"),
            Refusal("a batch at no rate", "decide batch rebooking-offer --rate 0 --file bad.jsonl", exits: 65, says: "--rate", "0.001 to 1000000"),
            Refusal("a batch at a rate that is none", "decide batch rebooking-offer --rate nan --file bad.jsonl", exits: 65, says: "--rate", "0.001 to 1000000"),
            Refusal("no node", "decide send rebooking-offer --row {}", exits: 69, says: closed, "'penstock up'", "--node-url", with: ["PENSTOCK_NODE_URL": closed]),
            Refusal(
                "no node for a batch", "decide batch rebooking-offer --file bad.jsonl --node-url \(closed)", exits: 69, says: closed, "'penstock up'", files: ["bad.jsonl": "{}\n"]),
            Refusal("no address", "decide send rebooking-offer --row {} --node-url somewhere", exits: 65, says: "'somewhere'", "http://127.0.0.1:PORT"),
        ]

        @Test(arguments: requests) func aRequestThatIsNotTakenIsOneSentence(_ refusal: Refusal) async throws { try await RunningInstallation.get().refuse(refusal) }

        @Test(arguments: [
            (#"{"distance":6001,"dep_delay":3}"#, "'distance'"), (#"{"distance":1,"dep_delay":-61}"#, "'dep_delay'"), (#"{"dep_delay":3}"#, "'distance'"),
            (#"{"distance":null,"dep_delay":3}"#, "'distance'"),
        ])
        func aRowOutsideTheContractIsForAPerson(_ row: String, _ column: String) async throws {
            let answer = try await RunningInstallation.get().succeed("decide send rebooking-offer --row", [row])
            let decision = try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any]
            #expect(decision?["decision"] as? String == "review" && decision?["score"] is NSNull, "\(answer)")
            #expect((decision?["because"] as? String)?.hasPrefix("outside_contract: \(column)") == true, "\(answer)")
        }

        @Test func aBatchWithOneBadRequestSaysWhichFailed() async throws {
            let installation = try RunningInstallation.get()
            try installation.folder.write(#"{"distance":1200,"dep_delay":3}"# + "\n{\n" + #"{"distance":7000,"dep_delay":3}"# + "\n", to: "mixed.jsonl")
            let run = try await Program.built.get().run(
                ["decide", "batch", "rebooking-offer", "--file", "mixed.jsonl", "--output", "json"], in: installation.folder.path, installation.variables)
            let summary = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
            #expect(run.code == 1 && summary?["requests"] as? Int == 3 && summary?["failed"] as? Int == 1, "\(run)")
            #expect(run.errors.hasPrefix("penstock: 1 of 3 requests failed; first: 400 ") && run.errors.count { $0.isNewline } == 1, "\(run.errors)")
        }

        @Test func aBatchIsSentNoFasterThanItsRate() async throws {
            let installation = try RunningInstallation.get()
            try installation.folder.write(String(repeating: #"{"distance":1200,"dep_delay":3}"# + "\n", count: 11), to: "paced.jsonl")
            let began = ContinuousClock.now
            try await installation.succeed("decide batch rebooking-offer --file paced.jsonl --connections 2 --rate 20")
            // The last is due after 10 of the 20 a second.
            #expect(ContinuousClock.now - began >= .milliseconds(500))
        }

        /// On the wire: what announces too much, and what sends more than it says it will.
        @Test(arguments: ["Content-Length: 65537", "Transfer-Encoding: chunked"]) func aBodyTooLargeIs413(_ header: String) throws {
            let node = try RunningInstallation.get().node
            var request = Array("POST /v1/decisions/rebooking-offer HTTP/1.1\r\nHost: \(node)\r\nContent-Type: application/json\r\n\(header)\r\n\r\n".utf8)
            if header.hasPrefix("Transfer") { request += Array("10001\r\n".utf8) }
            request += [UInt8](repeating: UInt8(ascii: " "), count: 65_537)
            let answer = try Ports.exchange(request, with: node)
            #expect(answer.hasPrefix("HTTP/1.1 413 ") && answer.contains("65536"), "\(answer)")
        }

        @Test func aBodyTooLargeForTheControlPlaneIs413() throws {
            let installation = try RunningInstallation.get()
            let token = try installation.operatorToken
            let head = "POST /v1/releases HTTP/1.1\r\nHost: \(installation.control)\r\nAuthorization: Bearer \(token)\r\nContent-Type: application/json\r\nConnection: close\r\n"
            let answer = try Ports.exchange(Array("\(head)Content-Length: 100000000\r\n\r\n{".utf8), with: installation.control)
            #expect(answer.hasPrefix("HTTP/1.1 413 ") && answer.contains("too-large"), "\(answer)")
        }
    }
}
