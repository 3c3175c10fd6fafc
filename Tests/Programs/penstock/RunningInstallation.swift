// One installation that runs for all tests of a suite, with the life of a release behind it.
import Foundation
import Testing

/// Started with `penstock up`, and stopped whatever happens to the tests.
///
/// Afterwards release 0, the fallback, answers; release 1 was rolled back, 2 rejected, 3 aborted, and 4 awaits approval.
struct RunningInstallation: Sendable {
    let folder: Folder
    let control: String
    let node: String
    /// What each command printed on the way, with `--output json`.
    private(set) var answers: [(command: String, output: String)] = []
    private let program: Program

    @TaskLocal static var current: RunningInstallation?

    static func get() throws -> RunningInstallation {
        guard let current else { throw ProgramError(description: "this test stands outside RunningTests, which starts the installation") }
        return current
    }

    var home: String { folder.path + "/home" }
    var variables: [String: String?] { ["PENSTOCK_HOME": home, "PENSTOCK_URL": nil, "PENSTOCK_NODE_URL": nil] }

    /// Text that a terminal must never see as it is: an escape sequence, a line of its own, and a turned writing direction.
    static let poisoned = "red \u{1B}[31m\u{202E}gnp\u{202C}\u{9B}2J\u{7}\u{2028}end\nrebooking-offer-9  live"

    fileprivate init() async throws {
        program = try Program.built.get()
        folder = try Workshop.folder()
        let free = try Ports.free(2)
        (control, node) = (free[0], free[1])
    }

    /// With a descriptor that the starting shell has open, as the holder of a lock would.
    fileprivate func start() async throws {
        try folder.write("", to: "held")
        let run = try await program.run(
            ["up", "--detach", "--control", control, "--node", node], in: folder.path, variables, wrapper: ["/bin/sh", "-c", "exec 9>held; exec \"$0\" \"$@\""])
        guard run.code == 0 else { throw ProgramError(description: run.errors) }
    }

    /// What the program prints for a command that it takes.
    @discardableResult
    func succeed(_ command: String, _ more: [String] = []) async throws -> String {
        try await program.succeed(command.split(separator: " ").map(String.init) + more, in: folder.path, variables).output
    }

    /// A refusal in a fresh folder with the team's files. The ledger must not have grown, and no file may be new.
    func refuse(_ refusal: Refusal) async throws {
        var refusal = refusal
        refusal.variables = variables.merging(refusal.variables) { $1 }
        let before = try status()
        try await refusal.check(in: Workshop.folder())
        #expect(try status() == before, "\(refusal.name)")
    }

    var operatorToken: String { get throws { try String(contentsOfFile: home + "/operator.token", encoding: .utf8).trimmingCharacters(in: .newlines) } }

    /// The ledger's size and root, as the control plane tells them.
    private func status() throws -> String {
        let request = "GET /v1/status HTTP/1.1\r\nHost: \(control)\r\nAuthorization: Bearer \(try operatorToken)\r\nConnection: close\r\n\r\n"
        let answer = try Ports.exchange(Array(request.utf8), with: control)
        guard answer.hasPrefix("HTTP/1.1 200 "), let body = answer.firstRange(of: "\r\n\r\n") else { throw ProgramError(description: answer) }
        return String(answer[body.upperBound...])
    }

    static let files = ["--decision", "service/decision.yaml", "--policy", "service/policy.yaml"]

    fileprivate mutating func live() async throws {
        try await keep("registry list")
        try await keep("registry add --name flight-delay --model model.txt --contract service/contracts/training.yaml --data holdout.csv --key ada.key")
        try await keep("registry evaluate flight-delay@1 --data holdout.csv")
        try await keep("release propose --fallback --key ada.key --reason", ["first"] + Self.files)
        try await approve(0)
        try await propose(1, "it is better")
        try await approve(1)
        try await keep("registry live")
        try await keep("release rollback rebooking-offer-1 --key cleo.key --reason", ["complaints"])
        try await propose(2, "again")
        try await keep("release reject rebooking-offer-2 --role reviewer --key ben.key --reason", ["no"])
        try await propose(3, Self.poisoned)
        try await keep("release abort rebooking-offer-3 --key ada.key --reason", [Self.poisoned])
        try await propose(4, "once more")
        for command in ["registry list", "registry show flight-delay@1", "release list", "release show rebooking-offer-4", "ledger verify", "trust show", "doctor"] {
            try await keep(command)
        }
        try folder.write(#"{"distance":1200,"dep_delay":3,"tail_number":"N14228"}"# + "\n", to: "requests.jsonl")
        try await keep("decide batch rebooking-offer --file requests.jsonl")
    }

    private mutating func keep(_ command: String, _ more: [String] = []) async throws {
        answers.append((command, try await succeed(command, more + ["--output", "json"])))
    }

    /// Each time with another threshold, since the same change is not taken twice.
    private mutating func propose(_ number: Int, _ reason: String) async throws {
        try folder.write(ServiceTexts.decision.replacing("at_least: 0.5", with: "at_least: 0.5\(number)"), to: "service/decision.yaml")
        try await keep("release propose flight-delay@1 --key ada.key --reason", [reason] + Self.files)
    }

    private mutating func approve(_ number: Int) async throws {
        for (role, person) in [("reviewer", "ben"), ("risk-owner", "cleo")] { try await keep("release approve rebooking-offer-\(number) --role \(role) --key \(person).key") }
        let end = ContinuousClock.now + .seconds(20)
        while try await !succeed("release show rebooking-offer-\(number) --output json").contains(#""phase":"live""#) {
            guard ContinuousClock.now < end else { throw ProgramError(description: "rebooking-offer-\(number) did not go live") }
        }
    }
}

/// Starts the installation around a suite, and ends it after it: also when this process is ended before it can.
struct WithInstallation: SuiteTrait, TestScoping {
    func provideScope(for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void) async throws {
        var installation = try await RunningInstallation()
        let stop = try Stopper(installation)
        let outcome: Result<Void, any Error>
        do {
            try await installation.start()
            try await installation.live()
            outcome = .success(try await RunningInstallation.$current.withValue(installation) { try await function() })
        } catch {
            outcome = .failure(error)
        }
        stop.stop()
        #expect(Processes.naming(installation.home) == [])
        Processes.end(naming: installation.home)
        #expect(try FileManager.default.contentsOfDirectory(atPath: installation.home + "/run").sorted() == ["control.log", "node-1.log"])
        try outcome.get()
    }
}

/// A shell that waits for the end of its input, then stops the installation. The input ends with this process, too.
private struct Stopper {
    private let shell = Process()
    private let input = Pipe()

    init(_ installation: RunningInstallation) throws {
        shell.executableURL = URL(filePath: "/bin/sh")
        // Until then its name must not be that of the installation, whose processes are counted.
        shell.arguments = ["-c", "trap '' INT TERM HUP; cat >/dev/null; exec \"$0\" down", try Program.built.get().path]
        shell.environment = ProcessInfo.processInfo.environment.merging(["PENSTOCK_HOME": installation.home, "SWIFT_BACKTRACE": "enable=no"]) { $1 }
        shell.standardInput = input
        shell.standardOutput = FileHandle.nullDevice
        try shell.run()
    }

    func stop() {
        try? input.fileHandleForWriting.close()
        shell.waitUntilExit()
    }
}

extension ProgramTests {
    /// All tests that need a control plane and a node.
    @Suite(.serialized, WithInstallation()) enum RunningTests {}
}
