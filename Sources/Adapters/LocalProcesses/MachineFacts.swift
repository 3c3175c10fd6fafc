// What stages find on this machine: the C library, the architecture, and a Python interpreter.
private import Foundation
private import Glibc
package import Pipelines
package import Ports
private import Subprocess

package enum MachineFacts {
    /// `python` is the interpreter's path, as a virtual environment has it; `nil` when nobody named one.
    package static func find(python: String?, evaluation: [ValidatorName: String]) async -> StageMachine {
        var names = utsname()
        uname(&names)
        let architecture = withUnsafeBytes(of: &names.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return StageMachine(
            libc: libc(), architecture: architecture, threads: ProcessInfo.processInfo.activeProcessorCount,
            python: await installation(python), evaluation: evaluation, program: program)
    }

    /// Such as `glibc 2.36`.
    private static func libc() -> String {
        var text = [CChar](repeating: 0, count: 64)
        let length = confstr(Int32(_CS_GNU_LIBC_VERSION), &text, text.count)
        return length > 1 ? String(decoding: text.prefix(min(length, text.count) - 1).map { UInt8(bitPattern: $0) }, as: UTF8.self) : "unknown"
    }

    /// Only where a sandbox shows programs.
    private static func program(_ name: String) -> String? {
        ["/usr/bin/", "/bin/", "/usr/local/bin/"].map { $0 + name }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    private struct Answer: Decodable {
        var version: String
        var prefixes: [String]
    }

    /// Asks the interpreter itself: only it knows where its parts lie.
    private static func installation(_ path: String?) async -> Result<PythonInstallation, StageRunnerError> {
        guard let path else {
            return .failure(StageRunnerError(.unavailable, "there is no Python for this project: make .venv beside penstock.yaml, or name an interpreter with PENSTOCK_PYTHON"))
        }
        guard FileManager.default.isExecutableFile(atPath: path) else {
            return .failure(StageRunnerError(.unavailable, "\(path) is no interpreter that can be run; make .venv anew, or name another with PENSTOCK_PYTHON"))
        }
        // The interpreter itself may be a link out of its environment, and finds that by the name it is called by; the folder is spelled without links.
        let parts = (path as NSString)
        let folder = resolved(parts.deletingLastPathComponent)
        let executable = folder + "/" + parts.lastPathComponent
        let script =
            "import json, platform, sys; print(json.dumps({'version': f'{platform.python_implementation()} {platform.python_version()}', 'prefixes': [sys.prefix, sys.base_prefix]}))"
        let run = try? await Subprocess.run(
            .path(.init(executable)), arguments: Arguments(["-I", "-c", script]), environment: .custom([:] as [Environment.Key: String]),
            output: .bytes(limit: 1 << 16), error: .discarded)
        guard let run, run.terminationStatus.isSuccess, let answer = try? JSONDecoder().decode(Answer.self, from: Data(run.standardOutput)) else {
            return .failure(StageRunnerError(.unavailable, "\(path) does not run as a Python interpreter; name another with PENSTOCK_PYTHON"))
        }
        // An environment on a path with links needs both spellings.
        var folders: [String] = []
        for prefix in answer.prefixes.flatMap({ [$0, resolved($0)] }) where !folders.contains(prefix) && prefix != "/usr" && !prefix.hasPrefix("/usr/") {
            folders.append(prefix)
        }
        return .success(PythonInstallation(executable: executable, version: answer.version, folders: folders))
    }

    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }
}
