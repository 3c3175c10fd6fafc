// Requests that a stranger may send, and what a node says about itself.
import Evidence
import Primitives
import Releases
import ServingPlane
import TestKit
import Testing

@Suite(.serialized) struct RequestTests {
    private static func serving(requestSeconds: Int64 = 10, _ release: (World) throws -> MadeRelease = { try $0.release(1) }, _ body: @Sendable (Harness) async throws -> Void)
        async throws
    {
        let world = try World(), link = MemoryLink(world.trust), made = try release(world)
        link.show(try world.table(1, champion: made), made)
        try await Harness.withFolder { folder in
            try await Harness.run(world, link, folder: folder, requestSeconds: requestSeconds) { node in
                try await node.untilServed(made)
                try await body(node)
            }
        }
    }

    @Test func decisionsFollowModelRuleAndContract() async throws {
        try await Self.serving({ try $0.release(1, model: "0.5 0.0001 0") }) { node in
            let cases: [(row: String, status: Int, says: String)] = [
                (#"{"tail_number":"N1","distance":2000,"hour":7}"#, 200, #""decision":"offer","score":0.7,"#), (#"{"distance":1000}"#, 200, #""decision":"none","score":0.6,"#),
                (#"{"distance":5001}"#, 200, #""decision":"review","score":null,"#), (#"{"distance":5001}"#, 200, "outside_contract: 'distance' is a number above"),
                (#"{"hour":1}"#, 200, "outside_contract: 'distance' is missing"), (#"{"distance":1,"speed":2}"#, 400, "speed"), (#"{"distance":"far"}"#, 400, "distance"),
                (#"{"distance":1"#, 400, "error"), ("[1]", 400, "error"), ("", 400, "empty"),
            ]
            for (row, status, says) in cases {
                let answer = try await node.decide(row)
                #expect(answer.status == status && answer.body.contains(says), "\(row): \(answer)")
            }
        }
    }

    @Test func theFallbackAndAnUnusableScoreAnswerWithTheFallback() async throws {
        try await Self.serving({ try $0.release(0) }) { node in
            let answer = try await node.decide()
            #expect(answer.body.contains(#""decision":"review","score":null,"#) && answer.body.contains("no_model"))
        }
        try await Self.serving({ try $0.release(1, model: "7 0 0") }) { node in
            #expect(try await node.decide().body.contains("errored"))
            let status = try await node.get("/v1/status").body
            #expect(status.contains(#""errors":"#) && !status.contains(#""errors":0"#))
        }
    }

    @Test func beforeAnythingIsReleased() async throws {
        let world = try World(), link = MemoryLink(world.trust)
        try await Harness.withFolder { folder in
            try await Harness.run(world, link, folder: folder) { node in
                let answer = try await node.decide()
                #expect(answer.status == 503 && answer.head.contains("retry-after: 1"))
                #expect(try await node.get("/health/ready").status == 503)
                #expect(try await node.get("/health/live").status == 200)
            }
        }
    }

    @Test func everyOtherRequestIsRefusedWithAReason() async throws {
        try await Self.serving { node in
            let row = Harness.row, type = "content-type: application/json\r\n"
            let cases: [(request: String, status: Int)] = [
                (Talk.request(row, service: "unknown"), 404), (Talk.request(row, service: "../rebooking-offer"), 404), ("GET /nothing HTTP/1.1\r\n\r\n", 404),
                ("GET /v1/decisions/rebooking-offer HTTP/1.1\r\n\r\n", 405), ("DELETE /v1/status HTTP/1.1\r\n\r\n", 405),
                ("POST /v1/decisions/rebooking-offer HTTP/1.1\r\ncontent-type: text/plain\r\ncontent-length: \(row.utf8.count)\r\n\r\n\(row)", 415),
                ("POST /v1/decisions/rebooking-offer HTTP/1.1\r\ncontent-length: \(row.utf8.count)\r\n\r\n\(row)", 415),
                ("POST /v1/decisions/rebooking-offer HTTP/1.1\r\n\(type)content-length: 65537\r\n\r\n", 413),
                ("POST /v1/decisions/rebooking-offer HTTP/1.1\r\n\(type)content-length: 99999999999999\r\n\r\n", 413),
                ("nonsense\r\n\r\n", 400), ("POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400),
                ("POST / HTTP/1.1\r\ntransfer-encoding: xchunked\r\n\r\n", 400),
            ]
            for (request, status) in cases {
                let answer = try await node.converse { talk in
                    try await talk.send(request)
                    return try await talk.answer()
                }
                #expect(answer?.status == status, "\(request): \(String(describing: answer))")
            }
            #expect(try await node.decide().status == 200)
        }
    }

    @Test func aBodyWithoutEndIsCutOff() async throws {
        try await Self.serving { node in
            let answer = try await node.converse { talk in
                try await talk.send("POST /v1/decisions/rebooking-offer HTTP/1.1\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
                let outbound = talk.outbound
                let sending = Task { for _ in 0..<4 { try await outbound.write(.init(string: String(repeating: "1\r\n \r\n", count: 20_000))) } }
                defer { sending.cancel() }
                return try await talk.answer()
            }
            #expect(answer == nil || answer?.status == 413)
            #expect(try await node.decide().status == 200)
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrderAndAHeadHasNoBody() async throws {
        try await Self.serving({ try $0.release(1, model: "0 0.0001 0") }) { node in
            let scores = try await node.converse { talk in
                try await talk.send((1...50).map { Talk.request(#"{"distance":\#($0 * 10)}"#) }.joined())
                var scores: [String] = []
                for _ in 0..<50 { scores.append(try #require(try await talk.answer()).body) }
                return scores
            }
            for (index, body) in scores.enumerated() { #expect(body.contains(#""score":\#(Double((index + 1) * 10) * 0.0001),"#), "\(body)") }
            try await node.converse { talk in
                try await talk.send("HEAD /v1/status HTTP/1.1\r\n\r\n")
                #expect(try await talk.answer(toHead: true)?.status == 200)
                #expect(try await talk.post(Harness.row)?.status == 200)
            }
        }
    }

    @Test func aSlowHeaderIsClosed() async throws {
        try await Self.serving(requestSeconds: 1) { node in
            let answer = try await node.converse { talk in
                try await talk.send("POST /v1/decisions/rebooking-offer HTTP/1.1\r\nx: ")
                return try await talk.answer()
            }
            #expect(answer == nil)
        }
    }

    @Test func metricsHaveTheSameSeriesWhateverIsAsked() async throws {
        try await Self.serving { node in
            let before = try await node.get("/metrics").body.split(separator: "\n").count
            for number in 0..<50 { _ = try await node.get("/x\(number)") }
            let after = try await node.get("/metrics").body
            #expect(after.split(separator: "\n").count == before && after.hasSuffix("# EOF\n"))
        }
    }

    @Test func aNodeThatCannotBeOneDoesNotStart() async throws {
        let world = try World(), link = MemoryLink(world.trust)
        for (host, threads, number, says) in [("0.0.0.0", 1, 30, "no TLS"), ("127.0.0.1", 0, 30, "threads"), ("127.0.0.1", 1, 31, "does not list this key")]
            as [(String, Int, UInt8, String)]
        {
            let error = #expect(throws: ServingError.self) {
                try Harness.node(world, link, NodeStore(), .init(host: host, port: 0, threads: threads, folder: "/nowhere"), key: number)
            }
            #expect(error?.message.contains(says) == true)
        }
        try await Self.serving { running in
            let second = try Harness.node(world, link, NodeStore(), .init(port: running.port, threads: 1, folder: "/nowhere"))
            let error = await #expect(throws: ServingError.self) { try await second.run() }
            #expect(error?.message.contains("is in use") == true)
        }
    }
}
