// LightGBM's C library, opened at run time: the only place that knows its symbols.
internal import CLightGBM

#if canImport(Glibc)
    private import Glibc
#else
    private import Darwin
#endif

/// One opened library. It stays open until the process ends, since its thread library cannot be unloaded safely.
///
/// The C interface has no call for its version. Versions before 4.6.0 are refused (CVE-2024-43598, a flaw in distributed training, which we
/// never start) by what they know: `LGBM_DumpParamAliases` lists `bagging_by_query` from 4.6.0 on. Of the versions between two
/// releases, those of October to December 2024 know it without having the correction; no release is mistaken.
package final class LightGBMLibrary: Sendable {
    package let path: String
    let calls: Calls

    /// Opens exactly this file; who calls decides where to look.
    package init(path: String) throws(LightGBMError) {
        self.path = path
        guard let handle = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            throw LightGBMError(
                .library, "\(path) does not load (\(Self.loaderError())); run scripts/setup, which brings LightGBM and the libraries that it needs")
        }
        calls = try unsafe Calls(handle, path: path)
        try Self.refuseOld(calls, path: path)
        // A load on a serving node must not take the cores on which others are scoring.
        guard calls.setMaxThreads(1) == 0 else { throw calls.lastError(.library, path) }
    }

    private static func refuseOld(_ calls: Calls, path: String) throws(LightGBMError) {
        var aliases = [CChar](repeating: 0, count: 1 << 16)
        var length: Int64 = 0
        let status = unsafe calls.dumpParamAliases(Int64(aliases.count), &length, &aliases)
        guard status == 0, length > 0, length <= aliases.count else {
            throw LightGBMError(.library, "\(path) does not say which parameters it knows; use the LightGBM that scripts/setup brings")
        }
        let text = String(decoding: aliases.prefix(Int(length)).lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard text.contains("\"bagging_by_query\"") else {
            throw LightGBMError(.library, "\(path) is older than LightGBM 4.6.0, which corrected CVE-2024-43598; run scripts/setup to bring a newer one")
        }
    }

    fileprivate static func loaderError() -> String {
        guard let text = unsafe dlerror() else { return "the loader gave no reason" }
        return unsafe String(cString: text)
    }

    /// The functions that we call, all found when the library was opened.
    @safe struct Calls: Sendable {
        let lastErrorText: lightgbm_last_error
        let setMaxThreads: lightgbm_set_max_threads
        let registerLogCallback: lightgbm_register_log_callback
        let dumpParamAliases: lightgbm_dump_param_aliases
        let loadModel: lightgbm_load_model_from_string
        let freeBooster: lightgbm_booster_free
        let featureCount: lightgbm_booster_count
        let classCount: lightgbm_booster_count
        let fastInit: lightgbm_fast_init
        let fastPredict: lightgbm_fast_predict
        let fastFree: lightgbm_fast_free

        init(_ handle: UnsafeMutableRawPointer, path: String) throws(LightGBMError) {
            func find(_ name: String) throws(LightGBMError) -> UnsafeMutableRawPointer {
                guard let address = unsafe dlsym(handle, name) else {
                    throw LightGBMError(.library, "\(path) has no \(name), so it is no LightGBM of version 4.6.0 or newer; run scripts/setup to bring one")
                }
                return unsafe address
            }
            unsafe lastErrorText = try unsafeBitCast(find("LGBM_GetLastError"), to: lightgbm_last_error.self)
            unsafe setMaxThreads = try unsafeBitCast(find("LGBM_SetMaxThreads"), to: lightgbm_set_max_threads.self)
            unsafe registerLogCallback = try unsafeBitCast(find("LGBM_RegisterLogCallback"), to: lightgbm_register_log_callback.self)
            unsafe dumpParamAliases = try unsafeBitCast(find("LGBM_DumpParamAliases"), to: lightgbm_dump_param_aliases.self)
            unsafe loadModel = try unsafeBitCast(find("LGBM_BoosterLoadModelFromString"), to: lightgbm_load_model_from_string.self)
            unsafe freeBooster = try unsafeBitCast(find("LGBM_BoosterFree"), to: lightgbm_booster_free.self)
            unsafe featureCount = try unsafeBitCast(find("LGBM_BoosterGetNumFeature"), to: lightgbm_booster_count.self)
            unsafe classCount = try unsafeBitCast(find("LGBM_BoosterGetNumClasses"), to: lightgbm_booster_count.self)
            unsafe fastInit = try unsafeBitCast(find("LGBM_BoosterPredictForMatSingleRowFastInit"), to: lightgbm_fast_init.self)
            unsafe fastPredict = try unsafeBitCast(find("LGBM_BoosterPredictForMatSingleRowFast"), to: lightgbm_fast_predict.self)
            unsafe fastFree = try unsafeBitCast(find("LGBM_FastConfigFree"), to: lightgbm_fast_free.self)
        }

        /// Must be called on the thread of the failed call, before any other.
        func lastError(_ code: LightGBMError.Code, _ subject: String) -> LightGBMError {
            let text = unsafe lastErrorText().map { unsafe String(cString: $0) } ?? "no reason given"
            return LightGBMError(code, "LightGBM refuses \(subject): \(text.split(separator: "\n").joined(separator: " "))")
        }

        /// LightGBM prints to standard output, which may be a protocol; its callback is one per thread.
        func silence() {
            _ = unsafe registerLogCallback { _ in }
        }
    }
}
