// Whether this machine has what Penstock needs.
import ArgumentParser
import Foundation
import ModelEngines
import Primitives

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Checks every dependency and the installation, and says how to get what is missing.",
        discussion: "  penstock doctor\n  penstock doctor --output json       exit code 1 when something needed is missing")
    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    struct Finding: Codable {
        enum State: String, Codable { case ok, missing, degraded }
        var name: String
        var state: State
        var detail: String
        var remedy: String
    }

    func run() async throws {
        let findings = [Self.lightGBM(), Self.sandbox(), installation(), Self.clock()]
        output.show(
            findings, columns: ["what", "state", "found", "remedy"], rows: findings.map { [$0.name, $0.state.rawValue, $0.detail, $0.remedy] }, empty: "")
        if let missing = findings.first(where: { $0.state == .missing }) { throw Failure.no("\(missing.name) is missing: \(missing.remedy)") }
    }

    private static func lightGBM() -> Finding {
        let path = ModelEngines().libraryPath(format: "lightgbm")
        return Finding(
            name: "LightGBM", state: path == nil ? .missing : .ok, detail: path ?? "lib_lightgbm.so was found nowhere",
            remedy: path == nil ? "run scripts/setup, or name its folder with PENSTOCK_LIBRARIES" : "")
    }

    private static func sandbox() -> Finding {
        let found = ["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"].first { FileManager.default.isExecutableFile(atPath: $0) }
        guard let found else {
            return Finding(name: "bubblewrap", state: .degraded, detail: "not found", remedy: "apt-get install bubblewrap; without it probes run unboxed, and say so")
        }
        return Finding(name: "bubblewrap", state: .ok, detail: found, remedy: "")
    }

    private func installation() -> Finding {
        let home = home.resolved
        guard home.exists else { return Finding(name: "installation", state: .degraded, detail: "none in \(home.path)", remedy: "penstock init") }
        do {
            let root = try home.trustRoot()
            guard !root.isExpired(at: SystemClock().now()) else {
                return Finding(name: "installation", state: .missing, detail: "the trust root expired on \(root.expires)", remedy: "sign its next version")
            }
            return Finding(name: "installation", state: .ok, detail: "\(root.system)/\(root.environment), trust until \(root.expires)", remedy: "")
        } catch {
            return Finding(name: "installation", state: .missing, detail: "\(error)", remedy: "penstock trust show, then penstock trust sign")
        }
    }

    private static func clock() -> Finding {
        let now = SystemClock().now()
        let sane = Instant(parsing: "2026-01-01").map { now > $0 } ?? false
        return Finding(name: "clock", state: sane ? .ok : .missing, detail: now.description, remedy: sane ? "" : "set the machine's clock; ages of evidence need it")
    }
}
