//===- FilesTest.cpp - Tensors from and to files --------------------------===//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

extern "C" {
#include "Arrays.h"
}
#include "hgf-c/Model.h"
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace {

const std::string inputs = HGF_RUNTIME_TEST_INPUTS;

struct Arrays : hgf_array_list {
  Arrays() : hgf_array_list{nullptr, 0} {}
  ~Arrays() { hgf_array_list_free(this); }
  const hgf_array &operator[](const std::string &stem) const {
    for (size_t i = 0; i < count; ++i)
      if (stem == items[i].stem)
        return items[i];
    ADD_FAILURE() << "no array " << stem;
    return items[0];
  }
};

template <typename T> std::vector<T> values(const hgf_array &array) {
  std::vector<T> result(array.byte_count / sizeof(T));
  if (!result.empty())
    memcpy(result.data(), array.data, array.byte_count);
  return result;
}

std::vector<int64_t> shape(const hgf_array &array) {
  return std::vector<int64_t>(array.dims, array.dims + array.rank);
}

std::vector<unsigned char> contents(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return std::vector<unsigned char>(std::istreambuf_iterator<char>(file), {});
}

TEST(Files, ReadsWhatNumpyWrites) {
  Arrays arrays;
  hgf_problem problem;
  ASSERT_TRUE(
      hgf_arrays_load((inputs + "/numpy.npz").c_str(), &arrays, &problem))
      << problem.text;
  EXPECT_EQ(arrays.count, 8u);
  EXPECT_EQ(values<float>(arrays["float32"]),
            (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(shape(arrays["float32"]), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(values<int64_t>(arrays["fortran"]),
            (std::vector<int64_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(arrays["scalar"].rank, 0);
  EXPECT_EQ(values<double>(arrays["scalar"]), std::vector<double>{2.5});
  EXPECT_EQ(shape(arrays["empty"]), (std::vector<int64_t>{0, 4}));
  EXPECT_EQ(arrays["half"].dtype, HGF_FLOAT16);
  EXPECT_EQ(values<uint8_t>(arrays["flags"]), (std::vector<uint8_t>{1, 0, 1}));
  EXPECT_EQ(arrays["bytes"].dtype, HGF_UINT8);
  EXPECT_EQ(values<int32_t>(arrays["folder/name"]), std::vector<int32_t>{7});
}

TEST(Files, ReadsWhatOnnxWrites) {
  Arrays arrays;
  hgf_problem problem;
  ASSERT_TRUE(hgf_arrays_load((inputs + "/tensors").c_str(), &arrays, &problem))
      << problem.text;
  EXPECT_EQ(arrays.count, 7u);
  for (const char *name : {"raw", "floats"}) {
    EXPECT_STREQ(arrays[name].name, name);
    EXPECT_EQ(values<float>(arrays[name]), (std::vector<float>{1, 2, 3}));
    EXPECT_EQ(shape(arrays[name]), (std::vector<int64_t>{1, 3}));
  }
  EXPECT_EQ(values<int64_t>(arrays["longs"]),
            (std::vector<int64_t>{-1, int64_t{1} << 40}));
  EXPECT_EQ(values<int16_t>(arrays["shorts"]), (std::vector<int16_t>{-3, 4}));
  EXPECT_EQ(values<uint16_t>(arrays["bfloat"]),
            (std::vector<uint16_t>{0x3f80, 0xc000}));
  EXPECT_EQ(values<double>(arrays["doubles"]), std::vector<double>{0.25});
  EXPECT_EQ(values<uint32_t>(arrays["unsigned"]),
            std::vector<uint32_t>{4000000000u});
}

std::string problemOf(const std::string &path) {
  Arrays arrays;
  hgf_problem problem;
  EXPECT_FALSE(hgf_arrays_load(path.c_str(), &arrays, &problem));
  return problem.text;
}

TEST(Files, SaysWhatItCannotRead) {
  std::map<std::string, std::string> cases = {
      {"compressed.npz", "'x.npy' is compressed: write the file with "
                         "numpy.savez, not savez_compressed"},
      {"objects.npz", "element type '|O' is not supported"},
      {"big-endian.npz", "expected little-endian elements but got '>f4'"},
      {"make.py", "this is not an .npz file"},
      {"missing.npz", "No such file or directory"}};
  for (const auto &[file, sentence] : cases)
    EXPECT_NE(problemOf(inputs + "/" + file).find(sentence), std::string::npos)
        << problemOf(inputs + "/" + file);
  EXPECT_NE(problemOf("/dev/zero").find("not a regular file"),
            std::string::npos);
  std::vector<unsigned char> strings = contents(inputs + "/strings.pb");
  hgf_array array = {};
  hgf_problem problem;
  EXPECT_FALSE(
      hgf_tensor_proto_read(strings.data(), strings.size(), &array, &problem));
  EXPECT_STREQ(problem.text, "ONNX element type 8 is not supported");
  hgf_array_free(&array);
}

// Whatever is written is read back the same, by name, in both kinds of files.
TEST(Files, RoundTripOfRandomArrays) {
  std::mt19937 random(1);
  const int32_t dtypes[] = {1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 16};
  for (const char *suffix : {".npz", "-folder"}) {
    for (int round = 0; round < 40; ++round) {
      std::string path = testing::TempDir() + "hgf-round-trip" + suffix;
      std::filesystem::remove_all(path);
      std::vector<hgf_named_data> items;
      std::vector<std::vector<int64_t>> dims(random() % 6 + 1);
      std::vector<std::vector<char>> data(dims.size());
      std::vector<std::string> names(dims.size());
      for (size_t i = 0; i < dims.size(); ++i) {
        dims[i].resize(random() % 5);
        int32_t dtype = dtypes[random() % 13];
        size_t bytes = hgf_dtype_size(dtype);
        for (int64_t &dim : dims[i])
          bytes *= static_cast<size_t>(dim = random() % 5);
        data[i].resize(bytes + 1);
        for (char &byte : data[i])
          byte = static_cast<char>(dtype == HGF_BOOL ? random() % 2 : random());
        names[i] = "tensor.number_" + std::to_string(i);
        items.push_back({names[i].c_str(), dtype,
                         static_cast<int32_t>(dims[i].size()), dims[i].data(),
                         data[i].data(), bytes});
      }
      hgf_problem problem;
      ASSERT_TRUE(
          hgf_arrays_save(path.c_str(), items.data(), items.size(), &problem))
          << problem.text;
      Arrays arrays;
      ASSERT_TRUE(hgf_arrays_load(path.c_str(), &arrays, &problem))
          << problem.text;
      ASSERT_EQ(arrays.count, items.size());
      for (size_t i = 0; i < items.size(); ++i) {
        const hgf_array &array = arrays[names[i]];
        EXPECT_EQ(array.dtype, items[i].dtype);
        EXPECT_EQ(shape(array), dims[i]);
        ASSERT_EQ(array.byte_count, items[i].byte_count);
        EXPECT_EQ(memcmp(array.data, data[i].data(), array.byte_count), 0);
      }
      std::filesystem::remove_all(path);
    }
  }
}

// Reads damaged files through every reader: an answer or a sentence.
void readEverything(const std::vector<unsigned char> &bytes) {
  hgf_problem problem;
  Arrays arrays;
  hgf_npz_read(bytes.data(), bytes.size(), &arrays, &problem);
  hgf_array array = {};
  hgf_npy_read(bytes.data(), bytes.size(), &array, &problem);
  hgf_array_free(&array);
  hgf_tensor_proto_read(bytes.data(), bytes.size(), &array, &problem);
  hgf_array_free(&array);
}

TEST(Files, TruncatedAndDamagedFilesGiveASentence) {
  std::vector<std::string> paths = {inputs + "/numpy.npz",
                                    inputs + "/compressed.npz"};
  for (const auto &entry :
       std::filesystem::directory_iterator(inputs + "/tensors"))
    paths.push_back(entry.path());
  std::mt19937 random(2);
  for (const std::string &path : paths) {
    std::vector<unsigned char> whole = contents(path);
    ASSERT_FALSE(whole.empty());
    for (size_t size = 0; size < whole.size(); size += size < 200 ? 1 : 37)
      readEverything({whole.begin(), whole.begin() + static_cast<long>(size)});
    for (int round = 0; round < 300; ++round) {
      std::vector<unsigned char> damaged = whole;
      for (unsigned i = 0; i <= random() % 4; ++i)
        damaged[random() % damaged.size()] =
            static_cast<unsigned char>(random() % 2 ? random() : 255);
      readEverything(damaged);
    }
  }
}

TEST(Files, DamagedNpyHeaders) {
  auto npy = [](const std::string &dictionary, size_t dataBytes) {
    std::string text = std::string("\x93NUMPY\x01\0", 8);
    text += static_cast<char>(dictionary.size());
    text += '\0';
    text += dictionary + std::string(dataBytes, '\1');
    hgf_array array = {};
    hgf_problem problem = {"fine"};
    hgf_npy_read(reinterpret_cast<const unsigned char *>(text.data()),
                 text.size(), &array, &problem);
    hgf_array_free(&array);
    return std::string(problem.text);
  };
  const std::string start = "{'descr': '<f4', 'fortran_order': False, ";
  EXPECT_EQ(npy(start + "'shape': (2,), }", 8), "fine");
  EXPECT_EQ(npy(start + "'shape': (2,), }", 7), "the file is truncated");
  EXPECT_EQ(npy(start + "'shape': (0, 99999999999), }", 0), "fine");
  EXPECT_EQ(npy(start + "'shape': (4294967296, 4294967296), }", 8),
            "the file is truncated");
  for (const char *rest :
       {"'shape': (99999999999999999999,), }", "'shape': (-1,), }",
        "'shape': (1", "'shape': 1}", "'shape': (1 2)}", "}", "",
        "'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)}", "'other': 1}"})
    EXPECT_EQ(npy(start + rest, 8), "the header is damaged") << rest;
}

TEST(Files, StemsStandForNamesThatFilesCannotHave) {
  EXPECT_TRUE(hgf_stem_matches("x", "x"));
  EXPECT_TRUE(hgf_stem_matches("_layers_0.q", "/layers/0.q"));
  EXPECT_TRUE(hgf_stem_matches("_._etc", "../etc"));
  EXPECT_FALSE(hgf_stem_matches("x", "xy"));
  EXPECT_FALSE(hgf_stem_matches("xy", "x"));
}

} // namespace
