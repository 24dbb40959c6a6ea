//===- Session.cpp - Running compiled models ----------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bindings.h"
#include "ModelDescriptor.h"
#include "hgf-c/Model.h"

#include "llvm/Support/Path.h"

#include <dlfcn.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using hgf::python::Error;

namespace {

/// A shared library that is loaded.
class Library {
public:
  /// `path` is what is opened, `name` what errors call it.
  Library(const std::string &path, const std::string &name)
      : handle(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (!handle) {
      const char *reason = dlerror();
      throw Error("cannot load '" + name +
                  "': " + (reason ? reason : "unknown reason"));
    }
    model =
        static_cast<const hgf_model_descriptor *>(dlsym(handle, "hgf_model"));
    if (model)
      return;
    dlclose(handle);
    throw Error("'" + name +
                "' is not a compiled model: it has no symbol 'hgf_model'");
  }
  ~Library() { dlclose(handle); }

  /// Where the weights file lies: beside the model's file, which is called
  /// `name`. Empty: there is none, or the runtime refuses the model anyway.
  std::string getWeights(const std::string &name) const {
    if (model->magic != HGF_MODEL_MAGIC ||
        model->version != HGF_MODEL_DESCRIPTOR_VERSION || !model->weights ||
        !model->weights->file_name)
      return "";
    llvm::SmallString<128> path(llvm::sys::path::parent_path(name));
    llvm::sys::path::append(path, model->weights->file_name);
    return path.str().str();
  }

  Library(const Library &) = delete;

  const hgf_model_descriptor *model;

private:
  void *handle;
};

/// One session; it keeps its library loaded. The caller sees to it that one
/// thread uses it at a time (the runtime refuses a second one).
class Session {
public:
  using Input = nb::ndarray<nb::device::cpu, nb::c_contig, nb::ro>;
  using Output = nb::ndarray<nb::device::cpu, nb::c_contig>;

  Session(std::shared_ptr<Library> library, int32_t threads, int64_t maxContext,
          const std::string &device, const std::string &weights)
      : library(std::move(library)), device(device), weights(weights) {
    hgf_session_options options;
    hgf_session_options_init(&options);
    options.threads = threads;
    options.max_context = maxContext;
    options.weights = weights.empty() ? nullptr : weights.c_str();
    options.device = device.c_str();
    char message[512];
    if (hgf_session_create(this->library->model, &options, &session, message,
                           sizeof message))
      throw Error(message);
  }
  ~Session() { hgf_session_free(session); }
  Session(const Session &) = delete;

  /// The caller owns the result.
  Session *clone(int32_t threads, int64_t maxContext) const {
    return new Session(library, threads, maxContext, device, weights);
  }

  std::string describe() const {
    std::string text(hgf_model_describe(library->model, nullptr, 0) + 1, '\0');
    hgf_model_describe(library->model, text.data(), text.size());
    text.pop_back();
    return text;
  }

  void bindInput(int32_t index, int32_t dtype, const Input &array) {
    std::vector<int64_t> dims(array.ndim());
    for (size_t axis = 0; axis < dims.size(); ++axis)
      dims[axis] = static_cast<int64_t>(array.shape(axis));
    check(hgf_session_bind_input(session, index, dtype,
                                 static_cast<int32_t>(dims.size()), dims.data(),
                                 array.data(), array.nbytes()));
  }
  void bindOutput(int32_t index, int32_t dtype, const Output &array) {
    check(hgf_session_bind_output(session, index, dtype, array.data(),
                                  array.nbytes()));
  }
  void unbind(bool isOutput, int32_t index) {
    check(
        hgf_session_unbind(session, isOutput ? HGF_OUTPUT : HGF_INPUT, index));
  }
  std::vector<int64_t> getOutputDims(int32_t index) {
    std::vector<int64_t> dims(
        std::max(0, hgf_tensor_rank(library->model, HGF_OUTPUT, index)));
    int64_t none;
    check(hgf_session_output_dims(session, index,
                                  dims.empty() ? &none : dims.data()));
    return dims;
  }
  void run() { check(hgf_session_run(session)); }
  void reset() { check(hgf_session_reset(session)); }
  int64_t getCapacity() const { return hgf_session_capacity(session); }
  int64_t getPosition() const { return hgf_session_position(session); }
  int32_t getThreads() const { return hgf_session_threads(session); }
  std::string getLevel() const {
    const char *level = hgf_session_level(session);
    return level ? level : "";
  }
  std::string getLevelReason() const {
    const char *reason = hgf_session_level_reason(session);
    return reason ? reason : "";
  }

private:
  void check(hgf_status status) const {
    if (status == HGF_OK)
      return;
    std::string message = hgf_session_error(session);
    throw Error(message.empty() ? hgf_status_name(status) : message);
  }

  std::shared_ptr<Library> library;
  std::string device, weights;
  hgf_session *session = nullptr;
};

} // namespace

void hgf::python::bindSession(nb::module_ &package) {
  using Release = nb::call_guard<nb::gil_scoped_release>;
  nb::class_<Session>(package, "Session")
      .def(
          "__init__",
          [](Session *self, const std::string &path, const std::string &name,
             int32_t threads, int64_t maxContext, const std::string &device) {
            auto library = std::make_shared<Library>(path, name);
            std::string weights = library->getWeights(name);
            new (self) Session(std::move(library), threads, maxContext, device,
                               weights);
          },
          nb::arg("path"), nb::arg("name"), nb::arg("threads"),
          nb::arg("max_context"), nb::arg("device"))
      .def("clone", &Session::clone, nb::arg("threads"), nb::arg("max_context"),
           nb::rv_policy::take_ownership)
      .def("describe", &Session::describe)
      .def("bind_input", &Session::bindInput, nb::arg("index"),
           nb::arg("dtype"), nb::arg("array").noconvert())
      .def("bind_output", &Session::bindOutput, nb::arg("index"),
           nb::arg("dtype"), nb::arg("array").noconvert())
      .def("unbind", &Session::unbind, nb::arg("is_output"), nb::arg("index"))
      .def("output_dims", &Session::getOutputDims, nb::arg("index"))
      .def("run", &Session::run, Release())
      .def("reset", &Session::reset)
      .def_prop_ro("capacity", &Session::getCapacity)
      .def_prop_ro("position", &Session::getPosition)
      .def_prop_ro("threads", &Session::getThreads)
      .def_prop_ro("level", &Session::getLevel)
      .def_prop_ro("level_reason", &Session::getLevelReason);
}
