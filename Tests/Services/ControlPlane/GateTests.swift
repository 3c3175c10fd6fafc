// What never reaches a handler.
private import ControlPlane
private import ControlPlaneClient
private import Foundation
private import Logging
private import MemoryStores
private import Ports
private import Primitives
private import SQLiteDecisions
import Testing

@Suite(.serialized) struct GateTests {
    /// Every route with parameters that can be named.
    private static func path(_ route: Route) -> String {
        route.path.replacing("{digest}", with: Digest.of("x").hex).replacing("{name}", with: "delay").replacing("{number}", with: "1").replacing("{id}", with: "delay-1")
            .replacing("{service}", with: "delay")
    }

    private static func headers(_ route: Route) -> [String] { route.body.map { ["Content-Type: \($0.type)"] } ?? [] }

    @Test func everyRouteRefusesWhoMayNotCallIt() async throws {
        try await Harness.run { harness in
            #expect(RouteTable.routes.count == 27)
            #expect(RouteTable.routes.filter { $0.kinds.isEmpty }.map(\.path) == ["/health"])
            for route in RouteTable.routes where !route.kinds.isEmpty {
                let tokens: [(String?, Int)] =
                    [
                        (nil, 401), ("", 401), ("pst_00000000_" + String(repeating: "A", count: 43), 401), (String(harness.operatorToken.dropLast()) + "!", 401),
                    ] + (route.kinds.contains(.node) ? [] : [(harness.nodeToken, 403)]) + (route.kinds.contains(.operator) ? [] : [(harness.operatorToken, 403)])
                for (token, expected) in tokens {
                    let answer = try await harness.request(route.method, Self.path(route), token: token, headers: Self.headers(route))
                    #expect(status(answer) == expected, "\(route.method) \(route.path)")
                    #expect(!answer.lowercased().contains("\r\nserver:"))
                    #expect(answer.lowercased().contains("x-content-type-options: nosniff"))
                }
            }
            #expect(try await harness.status("GET", "/health") == 200)
            for (method, path) in [("GET", "/v2"), ("DELETE", "/v1/models"), ("GET", "/"), ("PUT", "/v1/models/a/1"), ("TRACE", "/health")] {
                let answer = try await harness.request(method, path, token: harness.operatorToken)
                #expect(status(answer) == 404, "\(method) \(path)")
                #expect(answer.contains(#""category":"not-found""#))
            }
        }
    }

    @Test func hostsOriginsTypesAndSizesAreChecked() async throws {
        try await Harness.run { harness in
            for host in ["evil.example", "127.0.0.1.evil.example", "localhost:", "localhost:80x", "", "[::1].evil", "127.0.0.1:123456"] {
                for method in ["GET", "POST", "DELETE"] {
                    #expect(try await harness.status(method, "/health", host: host) == 421, "\(host)")
                }
            }
            for host in ["localhost", "LOCALHOST:1", "[::1]:80", "127.0.0.1"] { #expect(try await harness.status("GET", "/health", host: host) == 200) }
            let twoHosts = try await harness.status("GET", "/health", headers: ["Host: evil.example"])
            #expect(twoHosts == 400 || twoHosts == 421)
            let token = harness.operatorToken
            func post(_ headers: [String], _ body: String = "{}") async throws -> Int? {
                status(try await harness.request("POST", "/v1/models", token: token, headers: headers, body: body))
            }
            #expect(try await post(["Content-Type: application/json", "Origin: http://evil.example"]) == 403)
            #expect(try await post(["Content-Type: application/json", "Sec-Fetch-Site: same-origin"]) == 403)
            #expect(try await post([]) == 415)
            #expect(try await post(["Content-Type: application/x-pickle"]) == 415)
            #expect(try await post(["Content-Type: application/json", "Content-Encoding: gzip"]) == 415)
            #expect(try await post(["Content-Type: application/json; charset=utf-8"]) == 400)
            #expect(try await post(["Content-Type: application/json", "Content-Length: 99999999999"]) == 413)
            #expect(try await post(["Content-Type: application/json"], String(repeating: " ", count: Limits.envelopeBytes + 1)) == 413)
            let chunks = String(repeating: "1\r\n \r\n", count: Limits.envelopeBytes + 10) + "0\r\n\r\n"
            #expect(try await post(["Content-Type: application/json", "Transfer-Encoding: chunked"], chunks) == 413)
            #expect(try await harness.status("GET", "/v1/models?x=1", token: token) == 400)
            #expect(try await harness.status("GET", "/v1/live?at=now", token: token) == 400)
            for nonce in ["", "00", "zz" + String(repeating: "0", count: 30), String(repeating: "0", count: 31), String(repeating: "0", count: 34)] {
                #expect(try await harness.status("GET", "/v1/routing?nonce=\(nonce)", token: token) == 400, "\(nonce)")
            }
            #expect(try await harness.status("GET", "/v1/routing?nonce=\(String(repeating: "0", count: 32))", token: token) == 200)
            #expect(try await harness.status("GET", "/v1/releases/delay-1/rollout?step=1", token: token) == 400)
            for order in ["1", "01.2", "1.-2", "1.2.3", "99999999999999999999.1", "%", "1.2&newer-than=1.2"] {
                #expect(try await harness.status("GET", "/v1/routing?newer-than=\(order)", token: token) == 400, "\(order)")
            }
        }
    }

    @Test func noParameterBecomesAPath() async throws {
        try await Harness.run { harness in
            let marker = UUID().uuidString
            let outside = FileManager.default.temporaryDirectory.appendingPathComponent("canary-\(UUID().uuidString)")
            try Data(marker.utf8).write(to: outside)
            defer { try? FileManager.default.removeItem(at: outside) }
            let up = "../../../../../.." + outside.path
            let corpus = [
                up, up.replacing("/", with: "%2f"), up.replacing("/", with: "%252f"), up.replacing("/", with: "%5c"), "..%2fx", "..%252fx", "%2e%2e/", "..\\x",
                "%c0%ae%c0%ae/", "/etc/passwd", "//etc/passwd", "file:///etc/passwd", "/proc/self/root/etc/passwd", "a%00.png", "a.", "a%20", ".", "..", "CON",
                "-rf", ".git/config", "a//b", "A", "sha256:" + Digest.of("x").hex, Digest.of("x").hex.uppercased(), String(repeating: "a", count: 256),
                String(repeating: "a", count: 4096), "%ff%fe", "1e3", "+1", "0", "18446744073709551616", "%EF%BC%8E%EF%BC%8E%EF%BC%8F",
            ]
            for route in RouteTable.routes where route.path.contains("{") {
                for payload in corpus {
                    for parameter in ["{digest}", "{name}", "{number}", "{id}"] where route.path.contains(parameter) {
                        let path = Self.path(Route.named(route, parameter, payload))
                        let token = route.kinds.contains(.operator) ? harness.operatorToken : harness.nodeToken
                        let answer = try await harness.request(route.method, path, token: token, headers: Self.headers(route))
                        #expect((400..<500).contains(status(answer) ?? 0), "\(route.method) \(path)")
                        #expect(!answer.contains(marker) && !answer.contains("root:"))
                    }
                }
            }
            #expect(try String(contentsOf: outside, encoding: .utf8) == marker)
        }
    }

    @Test func manyHeadersDoNotEndTheProcess() async throws {
        try await Harness.run { harness in
            let block = String(repeating: "a: b\r\n", count: 1000)
            let answer = try await harness.raw(["GET /health HTTP/1.1\r\nHost: localhost\r\n"] + Array(repeating: block, count: 300) + ["\r\n"])
            #expect(status(answer) == 431)
            let noise = try await harness.raw(["no http at all\r\n\r\n"])
            #expect(status(noise) == 400)
            #expect(try await harness.status("GET", "/health") == 200)
        }
    }

    @Test func aHeadThatDripsIsCutOff() async throws {
        var limits = ConnectionLimits()
        limits.headSeconds = 1
        try await Harness.run(limits: limits) { harness in
            // `raw` returns only because the server closes.
            let answer = try await harness.raw(["GET /health HTTP/1.1\r\n"])
            #expect(answer.isEmpty)
        }
    }

    @Test(arguments: ["0.0.0.0", "::", "192.168.1.4", "example.com", ""])
    func onlyLoopbackIsBound(host: String) throws {
        let configuration = ControlPlaneServer.Configuration(
            system: try #require(SystemName("test")), environment: try #require(EnvironmentName("dev")), version: "1", host: host, port: 0)
        let ledger = MemoryLedger()
        let path = NSTemporaryDirectory() + "/penstock-gate-\(UUID().uuidString).sqlite"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let decisions = try SQLiteDecisions(path: path, random: CountingRandom(first: 1))
        #expect(throws: ControlPlaneError.self) {
            try ControlPlaneServer(
                configuration, desk: CheckingDesk(ledger: ledger), ledger: ledger, artifacts: MemoryArtifacts(), decisions: decisions, clock: FixedClock(),
                tokens: TokenTable([]), logger: Logger(label: "test"))
        }
    }

    @Test func aTakenPortIsSaidSo() async throws {
        try await Harness.run { harness in
            let configuration = ControlPlaneServer.Configuration(
                system: try #require(SystemName("test")), environment: try #require(EnvironmentName("dev")), version: "1", port: harness.port)
            let second = try ControlPlaneServer(
                configuration, desk: harness.desk, ledger: harness.ledger, artifacts: harness.artifacts, decisions: harness.decisions,
                clock: FixedClock(), tokens: TokenTable([]),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let error = await #expect(throws: ControlPlaneError.self) { try await second.run() }
            #expect(error?.code == .addressInUse)
            #expect(error?.message.contains("port \(harness.port)") == true)
        }
    }
}

extension Route {
    fileprivate static func named(_ route: Route, _ parameter: String, _ value: String) -> Route {
        var route = route
        route.path = route.path.replacing(parameter, with: value)
        return route
    }
}
