// An installation of one test.
import Foundation
import Testing

/// Nobody else's, so that its processes may be killed. Release 0, the fallback, answers once `live` has returned.
struct OwnInstallation: Sendable {
    let folder: Folder
    let control: String
    let node: String
    let program: Program
    var home: String { folder.path + "/home" }
    var variables: [String: String?] { ["PENSTOCK_HOME": home, "PENSTOCK_URL": nil, "PENSTOCK_NODE_URL": nil] }

    init(decision: String, policy: String? = nil) throws {
        folder = try Workshop.folder()
        let free = try Ports.free(2)
        (control, node, program) = (free[0], free[1], try Program.built.get())
        try folder.write(decision, to: "service/decision.yaml")
        if let policy { try folder.write(policy, to: "service/policy.yaml") }
    }

    @discardableResult
    func succeed(_ command: String, _ more: [String] = []) async throws -> String {
        try await program.succeed(command.split(separator: " ").map(String.init) + more, in: folder.path, variables).output
    }

    func up() async throws { try await succeed("up --detach --control \(control) --node \(node)") }

    func live() async throws {
        try await succeed("release propose --fallback --key ada.key --reason", ["first"] + RunningInstallation.files)
        try await approve(0, until: "live")
    }

    func approve(_ release: Int, until phase: String) async throws {
        for (role, person) in [("reviewer", "ben"), ("risk-owner", "cleo")] { try await succeed("release approve rebooking-offer-\(release) --role \(role) --key \(person).key") }
        try await until("rebooking-offer-\(release) is \(phase)") {
            try await succeed("release show rebooking-offer-\(release) --output json").contains(#""phase":"\#(phase)""#)
        }
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

    /// What the node says of itself.
    func nodeStatus() throws -> String { try Ports.exchange(Array("GET /v1/status HTTP/1.1\r\nHost: \(node)\r\nConnection: close\r\n\r\n".utf8), with: node) }

    func story(_ id: String) throws -> String {
        let token = try String(contentsOfFile: home + "/operator.token", encoding: .utf8).trimmingCharacters(in: .newlines)
        return try Ports.exchange(
            Array("GET /v1/decisions/\(id) HTTP/1.1\r\nHost: \(control)\r\nAuthorization: Bearer \(token)\r\nConnection: close\r\n\r\n".utf8), with: control)
    }
}
