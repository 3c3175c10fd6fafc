// A project as a folder of this machine.
private import Foundation
package import Pipelines
package import Ports
internal import Primitives

/// Workspaces lie in `<state>/work`, logs in `<state>/logs/<run>`; both for their owner only.
package struct ProjectFolder: ProjectFiles {
    private let root: String
    private let state: String
    /// Disks block: never on the shared async threads.
    private let disk = DispatchQueue(label: "penstock.project", attributes: .concurrent)

    package init(root: String, state: String) {
        self.root = Self.resolved(root)
        self.state = state.hasPrefix("/") ? state : FileManager.default.currentDirectoryPath + "/" + state
    }

    package func read(_ path: ProjectPath) async throws(ProjectError) -> [UInt8] {
        try await onDisk { () throws(ProjectError) in
            var bytes: [UInt8] = []
            try ProjectReading.scan(try located(path), named: path.text) { chunk throws(ProjectError) in
                guard bytes.count + chunk.count <= Limits.documentBytes else {
                    throw ProjectError(.unreadable, "\(path) has over \(Limits.documentBytes) bytes, the most that is read here")
                }
                bytes += chunk
            }
            return bytes
        }
    }

    package func content(of path: ProjectPath) async throws(ProjectError) -> ArtifactContent {
        try await onDisk { () throws(ProjectError) in
            let place = try located(path)
            guard ProjectReading.isFolder(place) else { return .file(try ProjectReading.digest(place, named: path.text)) }
            return .tree(try ProjectReading.tree(place, named: path, leavingOut: []).digest)
        }
    }

    package func tree(of folder: ProjectPath) async throws(ProjectError) -> TreeDigest {
        try await onDisk { () throws(ProjectError) in
            let place = try located(folder)
            guard ProjectReading.isFolder(place) else { throw ProjectError(.unreadable, "\(folder) is a file, and a stage's code is a folder") }
            return try ProjectReading.tree(place, named: folder, leavingOut: [ProjectReading.pythonCache])
        }
    }

    package func location(of path: ProjectPath) throws(ProjectError) -> String { try located(path) }

    /// With links followed: a team may keep its data elsewhere, and names it by a link in the project.
    private func located(_ path: ProjectPath) throws(ProjectError) -> String {
        let place = root + "/" + path.text
        guard let real = realpath(place, nil) else {
            guard errno == ENOENT || errno == ENOTDIR else { throw ProjectError(.unreadable, "\(path) cannot be read: \(String(cString: strerror(errno)))") }
            throw ProjectError(.missing, "there is no \(path) in the project \(root); bring it there, or correct the path")
        }
        defer { free(real) }
        return String(cString: real)
    }

    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path.isEmpty ? "." : path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    private func onDisk<Result: Sendable>(_ body: @escaping @Sendable () throws(ProjectError) -> Result) async throws(ProjectError) -> Result {
        let outcome: Swift.Result<Result, ProjectError> = await withCheckedContinuation { continuation in
            disk.async {
                do throws(ProjectError) { continuation.resume(returning: .success(try body())) } catch { continuation.resume(returning: .failure(error)) }
            }
        }
        return try outcome.get()
    }
}

// Where an attempt works.
extension ProjectFolder {
    package func makeWorkspace(
        run: RunID, stage: StageName, attempt: Int, code: (folder: ProjectPath, tree: TreeDigest)?, files: [ProjectPath: [UInt8]]
    ) async throws(ProjectError) -> StageWorkspace {
        try await onDisk { () throws(ProjectError) in
            // Run and stage are names, which hold no slash and no '..'.
            let logs = "\(state)/logs/\(run)", work = "\(state)/work/\(UUID().uuidString)"
            let workspace = StageWorkspace(project: work + "/project", outputs: work + "/outputs", log: "\(logs)/\(stage)-\(attempt).log")
            for folder in [logs, workspace.project, workspace.outputs] { try ProjectReading.makeFolder(folder) }
            for (path, bytes) in files { try ProjectReading.write(bytes, to: workspace.project + "/" + path.text) }
            guard let code else { return workspace }
            let origin = try located(code.folder)
            for file in code.tree.files {
                let copy = "\(workspace.project)/\(code.folder)/\(file.path)"
                let found = try ProjectReading.copy("\(origin)/\(file.path)", to: copy, isExecutable: file.isExecutable, named: "\(code.folder)/\(file.path)")
                guard found == file.content else {
                    throw ProjectError(.unreadable, "\(code.folder)/\(file.path) changed while the run began; run again")
                }
            }
            return workspace
        }
    }

    package func output(_ name: SlotName, in workspace: StageWorkspace) throws(ProjectError) -> StageOutputFile {
        let path = "\(workspace.outputs)/\(name)"
        var status = stat()
        guard lstat(path, &status) == 0 else { return .missing }
        guard status.st_mode & S_IFMT == S_IFREG else { return .notAFile }
        return .file(ProjectReading.Chunks(path: path))
    }

    package func lastLine(of workspace: StageWorkspace) -> String {
        guard let handle = FileHandle(forReadingAtPath: workspace.log) else { return "" }
        defer { try? handle.close() }
        let end = (try? handle.seekToEnd()) ?? 0
        try? handle.seek(toOffset: end > 4096 ? end - 4096 : 0)
        let text = String(decoding: (try? handle.readToEnd()) ?? Data(), as: UTF8.self)
        let line = text.split(whereSeparator: \.isNewline).last { !$0.allSatisfy(\.isWhitespace) } ?? ""
        return line.trimmingCharacters(in: .whitespaces).shown(200)
    }

    package func remove(_ workspace: StageWorkspace) async {
        let folder = (workspace.outputs as NSString).deletingLastPathComponent
        await onDisk { ProjectReading.removeFolder(folder) }
    }

    package func removeAllWorkspaces() async {
        let folder = state + "/work"
        await onDisk { ProjectReading.removeFolder(folder) }
    }

    private func onDisk(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            disk.async {
                body()
                continuation.resume()
            }
        }
    }
}
