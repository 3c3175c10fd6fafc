// Whether this machine has what Penstock needs.
import ArgumentParser
import Foundation
import LocalProcesses
import ModelEngines
import Ports
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
        let findings = [Self.lightGBM(), await Self.sandbox(), Self.limits(), await Self.python(), installation(), Self.clock()]
        output.show(
            findings, columns: ["what", "state", "found", "remedy"], rows: findings.map { [$0.name, $0.state.rawValue, $0.detail, $0.remedy] }, empty: "")
        if let missing = findings.first(where: { $0.state == .missing }) { throw Failure.no("\(missing.name) is missing: \(missing.remedy)") }
    }

    private static func lightGBM() -> Finding {
        let engines = ModelEngines()
        let path = engines.libraryPath(format: "lightgbm")
        do throws(ModelEngineError) {
            // No model, so that it is the library that is looked at.
            _ = try engines.load([], format: "lightgbm", features: 1)
        } catch {
            guard error.code == .libraryMissing else { return Finding(name: "LightGBM", state: .ok, detail: path ?? "", remedy: "") }
            return Finding(
                name: "LightGBM", state: .missing, detail: path == nil ? "lib_lightgbm.so was found nowhere" : error.message,
                remedy: "run scripts/setup, or name its folder with PENSTOCK_LIBRARIES")
        }
        return Finding(name: "LightGBM", state: .ok, detail: path ?? "", remedy: "")
    }

    /// Tries it, since in many containers it is there and may not make namespaces.
    private static func sandbox() async -> Finding {
        let path = ["/usr/bin/bwrap", "/usr/local/bin/bwrap"].first { FileManager.default.isExecutableFile(atPath: $0) }
        let trial = try? await ProbeProcess(executable: "/usr/bin/true", libraryDirectories: []).run(
            ProbeRequest(arguments: [], readOnlyFiles: [], input: [], timeout: .seconds(10), outputLimit: 0))
        guard let path else {
            return Finding(name: "bubblewrap", state: .degraded, detail: "not found", remedy: "apt-get install bubblewrap; without it stages and probes run unboxed, and say so")
        }
        guard trial?.sandbox.first == "bubblewrap" else {
            return Finding(
                name: "bubblewrap", state: .degraded, detail: "\(path) does not work here", remedy: "allow user namespaces; without them stages and probes run unboxed, and say so")
        }
        return Finding(name: "bubblewrap", state: .ok, detail: path, remedy: "")
    }

    private static func limits() -> Finding {
        let path = "/usr/bin/prlimit"
        guard FileManager.default.isExecutableFile(atPath: path) else {
            return Finding(name: "prlimit", state: .degraded, detail: "not found", remedy: "apt-get install util-linux; without it nothing limits the files that stages write")
        }
        return Finding(name: "prlimit", state: .ok, detail: path, remedy: "")
    }

    /// What stages written in Python would run with here.
    private static func python() async -> Finding {
        let machine = await MachineFacts.find(python: Project.python(folder: "."), evaluation: [:])
        switch machine.python {
        case .success(let found): return Finding(name: "Python for stages", state: .ok, detail: "\(found.version), \(found.executable)", remedy: "")
        case .failure(let error):
            return Finding(
                name: "Python for stages", state: .degraded, detail: error.message, remedy: "python3 -m venv .venv beside penstock.yaml; pipelines without Python need none")
        }
    }

    private func installation() -> Finding {
        let home = home.resolved
        guard home.exists else { return Finding(name: "installation", state: .degraded, detail: "none in \(home.path)", remedy: "penstock init") }
        do {
            let root = try home.trustRoot()
            guard !root.isExpired(at: SystemClock().now()) else {
                return Finding(
                    name: "installation", state: .missing, detail: "the trust root expired on \(root.expires)",
                    remedy: "begin a new installation with 'penstock init'; renewing a trust root is not built yet")
            }
            return Finding(name: "installation", state: .ok, detail: "\(root.system)/\(root.environment), trust until \(root.expires)", remedy: "")
        } catch {
            return Finding(name: "installation", state: .missing, detail: (error as? Failure)?.message ?? "\(error)", remedy: "penstock trust show, then penstock trust sign")
        }
    }

    private static func clock() -> Finding {
        let now = SystemClock().now()
        let sane = Instant(parsing: "2026-01-01").map { now > $0 } ?? false
        return Finding(name: "clock", state: sane ? .ok : .missing, detail: now.description, remedy: sane ? "" : "set the machine's clock; ages of evidence need it")
    }
}
