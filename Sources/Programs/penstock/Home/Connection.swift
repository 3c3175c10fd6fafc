// How a command reaches the control plane.
import ArgumentParser
import ControlPlaneClient
import Foundation
import Synchronization

struct ConnectionOptions: ParsableArguments {
    @OptionGroup var home: HomeOptions
    @Option(help: "The control plane. Default: PENSTOCK_URL, or the one started from this home.")
    var url: String?

    /// The control plane to speak to, and the token for it.
    static func address(url: String?, _ home: Home) throws -> (url: String, token: String) {
        let address = url ?? ProcessInfo.processInfo.environment["PENSTOCK_URL"] ?? Running.read("control", home)?.url ?? "http://127.0.0.1:8440"
        let given = ProcessInfo.processInfo.environment["PENSTOCK_TOKEN"]
        if given == nil, !FileManager.default.fileExists(atPath: home.operatorToken) { try home.requireInitialised() }
        return (address, try given ?? Files.text(home.operatorToken))
    }

    /// The client is shut down whatever the body does.
    func withClient<Result: Sendable>(_ body: (ControlPlaneClient) async throws -> Result) async throws -> Result {
        let (address, token) = try Self.address(url: url, home.resolved)
        let client = try ControlPlaneClient(url: address, token: token)
        do {
            let result = try await body(client)
            await client.shutdown()
            return result
        } catch {
            await client.shutdown()
            throw error
        }
    }
}

/// What `up` left behind about a process that it started.
struct Running: Codable {
    var format = 1
    var process: Int32
    var url: String

    static func read(_ name: String, _ home: Home) -> Running? {
        guard let data = FileManager.default.contents(atPath: home.run + "/\(name).json") else { return nil }
        return try? JSONDecoder().decode(Running.self, from: data)
    }

    /// What runs from this home, by name.
    static func names(_ home: Home) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: home.run)) ?? []).filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
    }

    static func firstNode(_ home: Home) -> Running? { names(home).first { $0 != "control" }.flatMap { read($0, home) } }

    static func remove(_ name: String, _ home: Home) { try? FileManager.default.removeItem(atPath: home.run + "/\(name).json") }

    /// Whether the process lives and is a penstock: a number may since belong to somebody else.
    var isAlive: Bool {
        guard kill(process, 0) == 0, let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe") else { return false }
        // A program that was replaced while it ran still runs.
        return link.hasSuffix("/penstock") || link.hasSuffix("/penstock (deleted)")
    }
}

extension ControlPlaneClient {
    /// The whole export in memory, for checking it here.
    func exportBytes() async throws -> [UInt8] {
        let collected = Mutex<[UInt8]>([])
        try await exportLedger { chunk in collected.withLock { $0 += chunk } }
        return collected.withLock { $0 }
    }
}
